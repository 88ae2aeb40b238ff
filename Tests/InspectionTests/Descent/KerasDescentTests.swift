import Checkpoints
import Foundation
import HDF5
import Inspection
import Tensors
import TestSupport
import Testing

@Suite("Descent between files of real Keras")
struct KerasDescentTests {
  private static let pairs = [
    ("keras-2.12/convolution-3.h5", "keras-2.12/convolution-30.h5"),
    ("tf_keras-2.21/clipnorm-mlp-3.h5", "tf_keras-2.21/clipnorm-mlp-4.h5"),
    ("keras-3.15/noisy-1.h5", "keras-3.15/noisy-2.h5"),
    ("keras-3.15/noisy-1.h5", "keras-3.15/noisy-10.h5"),
    ("keras-3.15/embedding-4.h5", "keras-3.15/embedding-30.h5"),
    ("keras-3.15/averages-overwrite-3.h5", "keras-3.15/averages-overwrite-30.h5"),
  ]

  private func path(_ name: String) -> String { Fixture.path("descent/\(name)") }

  private func descent(
    _ first: String, _ second: String, _ options: DescentOptions = DescentOptions()
  ) throws -> Descent {
    var all = DiffReport.Options()
    all.descent = options
    return try CheckpointReader.withPair(opening: first, second) {
      (before, after) throws(CheckpointError) in
      try DiffReport(before, after, options: all).descent
    }
  }

  /// What a copy of the second file is called impossible for, after `change` of a tensor's elements.
  private func kinds(
    _ first: String, _ second: String, changing tensor: String,
    _ change: (inout [Float]) -> Void
  ) throws -> Set<Contradiction.Kind> {
    let folder = try TemporaryDirectory()
    let copy = folder.file("copy.h5")
    try FileManager.default.copyItem(atPath: path(second), toPath: copy)
    let reader = try CheckpointReader(opening: copy)
    let entry = try #require(reader.manifest.entry(named: tensor))
    var elements = try reader.read(entry).elements(of: Float.self)
    change(&elements)
    let file = try HDF5File.openForUpdate(copy)
    do {
      let dataset = try file.root().openDataset(entry.datasetPath)
      try elements.withUnsafeBytes { try dataset.write(from: $0) }
    }
    try file.close()
    let descent = try descent(path(first), copy)
    #expect((descent.verdict == .impossible) == !descent.allContradictions.isEmpty)
    return Set(descent.allContradictions.map(\.kind))
  }

  @Test("the later file can descend from the earlier one", arguments: pairs)
  func honest(first: String, second: String) throws {
    let descent = try descent(path(first), path(second))
    #expect(descent.verdict == .consistent, "\(descent.allContradictions.map(\.sentence))")
    #expect(descent.obstacles.isEmpty)
    #expect(!descent.variables.isEmpty)
    #expect(descent.variables.allSatisfy { $0.verdict == .consistent })
  }

  @Test("the earlier file cannot descend from the later one", arguments: pairs)
  func reversed(first: String, second: String) throws {
    let descent = try descent(path(second), path(first))
    #expect(descent.verdict == .impossible)
    #expect(descent.allContradictions.map(\.kind) == [.counterFell])
  }

  @Test("steps, rate and gradients are told")
  func figures() throws {
    let descent = try descent(
      path("keras-3.15/embedding-4.h5"), path("keras-3.15/embedding-30.h5"))
    #expect(descent.stepsApart == 26)
    #expect(descent.updateCount == 26)
    #expect(descent.greatestLearningRate.map { Float($0) } == 0.1)
    let table = try #require(descent.variables.first { $0.name == "embedding/embeddings" })
    #expect(table.rowCount == 50)
    let touched = try #require(table.touchedRowCount)
    #expect(touched > 20 && touched < 50)
    let gradient = try #require(table.rootMeanSquareGradient)
    let gradientOfRows = try #require(table.rootMeanSquareGradientOfTouchedRows)
    #expect(gradient > 0)
    let ratio = gradientOfRows / gradient
    #expect((ratio * ratio - 50 / Double(touched)).magnitude < 1e-9)
  }

  @Test("permuted accumulators, moved weights and NaN are impossible")
  func corrupted() throws {
    let (first, second) = ("keras-2.12/convolution-3.h5", "keras-2.12/convolution-30.h5")
    let kernel = "conv2d/kernel"
    #expect(
      try kinds(first, second, changing: "accumulator/\(kernel)") { $0.reverse() }
        .contains(.accumulatorFell))
    #expect(try kinds(first, second, changing: kernel) { $0[5] += 2 } == [.movedTooFar])
    #expect(
      try kinds(first, second, changing: kernel) { $0[7] = .nan } == [.notANumberWithoutCause])
    #expect(
      try kinds(first, second, changing: "accumulator/\(kernel)") { $0[7] = .nan }
        == [.notANumberWithoutEffect])
    #expect(try kinds(first, second, changing: kernel) { _ in } == [])
  }

  @Test("one step is known but for its sign")
  func singleStep() throws {
    let (first, second) = ("keras-3.15/noisy-1.h5", "keras-3.15/noisy-2.h5")
    #expect(
      try kinds(first, second, changing: "dense/kernel") { $0[3] += 1e-3 }
        .isSubset(of: [.movedTooFar, .movedTooLittle]))
    #expect(!(try kinds(first, second, changing: "dense/kernel") { $0[3] += 1e-3 }).isEmpty)
  }

  @Test("gradients beyond the clipping norm are impossible")
  func clipping() throws {
    let kinds = try kinds(
      "tf_keras-2.21/clipnorm-mlp-3.h5", "tf_keras-2.21/clipnorm-mlp-4.h5",
      changing: "accumulator/dense/kernel"
    ) { $0[0] += 0.01 }
    #expect(kinds.contains(.grewBeyondClipping))
  }

  @Test("averages may have replaced the weights, but not by what they never were")
  func averages() throws {
    let (first, second) = (
      "keras-3.15/averages-overwrite-3.h5", "keras-3.15/averages-overwrite-30.h5"
    )
    #expect(
      try kinds(first, second, changing: "average/dense/kernel") { $0[0] += 50 }
        == [.averageTooFar])
    #expect(try kinds(first, second, changing: "dense/kernel") { $0[0] += 50 } == [.movedTooFar])
  }

  @Test("without the number of repeated rows nothing about a table is impossible for its weights")
  func repeatedRows() throws {
    let (first, second) = ("keras-3.15/embedding-4.h5", "keras-3.15/embedding-30.h5")
    #expect(
      try kinds(first, second, changing: "embedding/embeddings") { $0[0] += 500 } == [])
    #expect(
      try kinds(first, second, changing: "accumulator/embedding/embeddings") { $0[0] = 0.05 }
        == [.accumulatorFell])
    let told = try descent(path(first), path(second), DescentOptions(occurrences: 192))
    #expect(told.verdict == .consistent)
    let tooFew = try descent(
      path(first), path(second),
      DescentOptions(greatestLearningRate: 1e-4, occurrences: 192))
    #expect(tooFew.verdict == .impossible)
  }
}
