import HDF5
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Tensors in blocks")
struct TensorSourceTests {
  @Test("come in order and cover everything once, whatever the shape")
  func blocks() throws {
    let folder = try TemporaryDirectory()
    for (index, shape) in [[3, 170_001], [1, 300_000], [70_000], [200, 40, 30], [0, 5]].enumerated()
    {
      let count = shape.reduce(1, *)
      let elements = (0..<count).map { Float($0 % 9973) - 4000 }
      let path = folder.file("\(index).weights.h5")
      let file = try HDF5File.create(path)
      do {
        let dataset = try file.root().createDataset("layers/dense/vars/0", .float32, shape: shape)
        try elements.withUnsafeBytes { try dataset.write(from: $0) }
      }
      try file.close()
      let reader = try CheckpointReader(opening: path)
      let entry = try #require(reader.manifest.entries.first)
      let pieces = try TensorSource.mapBlocks(of: reader.sources(of: [entry])) {
        positions, tensors in (positions, tensors[0].elements(of: Float.self))
      }
      #expect(pieces.flatMap(\.1) == elements)
      #expect(pieces.flatMap { Array($0.0) } == Array(0..<count))
      #expect(count < 300_000 || pieces.count > 1)
    }
  }
}
