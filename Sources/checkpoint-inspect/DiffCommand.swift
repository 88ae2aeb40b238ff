import ArgumentParser
import Checkpoints
import KerasConfiguration

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "What differs between two checkpoints, whatever their layouts.",
    discussion: """
      Variables and slots are matched by name; a weights file that does not tell names takes them from \
      the other file. Exit code 0: the same; 1: different.
      Example: checkpoint-inspect diff before.h5 after.weights.h5 --absolute 1e-6
      """)

  @Argument(help: "The first checkpoint.")
  var before: String

  @Argument(help: "The second checkpoint.")
  var after: String

  @Option(help: "Numbers this far apart still count as equal.")
  var absolute = 0.0

  @Option(help: "And so do numbers this far apart relative to the second one.")
  var relative = 0.0

  @Option(help: "How to print: text or json.")
  var format = ReportFormat.text

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard absolute >= 0, relative >= 0 else {
      throw ValidationError("a tolerance must be 0 or more")
    }
  }

  func run() throws {
    var isSame = true
    try Console.reportingTrouble { () throws(CheckpointError) in
      let diff = try CheckpointDiff(
        opening: before, after, verifying: reading.verifying,
        tolerance: Tolerance(absolute: absolute, relative: relative))
      isSame = diff.isEmpty
      switch format {
      case .json: Console.printJSON(diff.json)
      case .text: printText(diff)
      }
    }
    if !isSame { throw ExitCode(1) }
  }

  private func printText(_ diff: CheckpointDiff) {
    var table = TextTable()
    for item in diff.items {
      if let words = item.words { table.add([item.name, words]) }
    }
    for line in table.lines { Console.printLine(line) }
    for difference in diff.configuration {
      Console.printLine(
        "\(difference.path): \(difference.before ?? "absent") -> \(difference.after ?? "absent")")
    }
    for note in diff.notes { Console.printLine("note: \(note)") }
    let equal = diff.items.filter { $0.words == nil }.count
    let summary = "\(equal) of \(diff.items.count) tensors equal"
    Console.printLine(diff.isEmpty ? "same: \(summary)" : "different: \(summary)")
  }
}

extension CheckpointDiff.Item {
  /// The difference in words; nil when there is none.
  fileprivate var words: String? {
    switch outcome {
    case .equal: nil
    case .changed(let comparison): comparison.words
    case .onlyInFirst: "only in the first"
    case .onlyInSecond: "only in the second"
    case .shapeDiffers: "shape \(before!.shape) -> \(after!.shape)"
    case .dtypeDiffers: "dtype \(before!.storedType) -> \(after!.storedType)"
    case .ambiguous: "the name stands for several tensors"
    }
  }
}

extension TensorComparison {
  fileprivate var words: String {
    var words =
      "\(changedCount) of \(elementCount) changed,"
      + " max \(Readable.number(maximumDistance)), mean \(Readable.number(meanDistance))"
    if nonFiniteCount > 0 { words += ", \(nonFiniteCount) to or from NaN or infinity" }
    return words
  }
}
