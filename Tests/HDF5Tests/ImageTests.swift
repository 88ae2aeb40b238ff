import Foundation
import HDF5
import Testing

@Suite("Files laid out in memory") struct ImageTests {
  /// The bytes of an image.
  private func content(of image: HDF5Image) -> Data {
    var content = Data()
    while content.count < image.byteCount {
      let count = min(HDF5Image.blockByteCount, image.byteCount - content.count)
      if let block = image.block(content.count / HDF5Image.blockByteCount) {
        content.append(Data(bytes: block, count: count))
      } else {
        content.append(Data(count: count))
      }
    }
    return content
  }

  @Test("what is laid out, written down and filled is an HDF5 file", arguments: [0, 512])
  func filled(userBlock: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("x.h5")
      var offsets: [Int] = []
      let image = try HDF5Image(
        named: path, userBlockByteCount: userBlock, objectCount: 4
      ) { root in
        try root.attributes.createString(
          "a text", named: "text", TextForm(.variable(.ascii), file: path))
        let form = try DatasetForm(.float32, shape: [1000], file: path)
        let group = try root.createGroup(named: "group", GroupForm(file: path))
        for index in 0..<3 {
          offsets.append(try #require(try group.createDataset(named: "\(index)", form)))
        }
      }
      var bytes = content(of: image)
      let values = (0..<3).map { index in (0..<1000).map { Float($0 + 1000 * index) } }
      for (offset, values) in zip(offsets, values) {
        values.withUnsafeBytes { bytes.replaceSubrange(offset..<offset + 4000, with: $0) }
      }
      try bytes.write(to: URL(fileURLWithPath: path))
      let file = try HDF5File.open(path)
      let root = try file.root()
      #expect(try root.attributes.string("text") == "a text")
      for index in 0..<3 {
        let dataset = try root.openDataset("group/\(index)")
        #expect(dataset.byteOffset == offsets[index])
        #expect(offsets[index].isMultiple(of: 64))
        var read = [Float](repeating: 0, count: 1000)
        try read.withUnsafeMutableBytes { try dataset.read(into: $0) }
        #expect(read == values[index])
      }
    }
  }

  @Test("a large dataset takes no memory until it is filled")
  func holes() throws {
    let image = try HDF5Image(named: "x", objectCount: 1) { root in
      let form = try DatasetForm(.float32, shape: [1 << 38], file: "x")
      _ = try root.createDataset(named: "large", form)
    }
    #expect(image.byteCount > 1 << 40)
    let blocks = (0..<100).filter { image.block($0) != nil }
    #expect(blocks == [0])
  }

  @Test("a name that is taken, or is a path, is an error, and nothing stays open")
  func names() throws {
    let taken = #expect(throws: HDF5Error.self) {
      _ = try HDF5Image(named: "x", objectCount: 2) { root in
        let form = try GroupForm(file: "x")
        _ = try root.createGroup(named: "a", form)
        _ = try root.createGroup(named: "a", form)
      }
    }
    #expect(taken?.kind == .alreadyExists)
    #expect(taken?.object == "/a")
    let path = #expect(throws: HDF5Error.self) {
      _ = try HDF5Image(named: "x", objectCount: 2) { root in
        let form = try DatasetForm(.float32, shape: [1], file: "x")
        _ = try root.createDataset(named: "a/b", form)
      }
    }
    #expect(path?.kind == .invalidArgument)
  }
}
