import Checkpoints
import Inspection

/// What `show` is asked for.
///
/// It knows nothing of the command line: for a file and no option, which is what people ask most, nothing need
/// be parsed, and looking at the parser's own structures would take a third of the time of a small file.
struct ShowRequest {
  var file: String
  var isVerified = true
  /// A tensor whose numbers are to be printed, instead of the whole.
  var tensor: TensorReference?
  /// Whether all of its numbers.
  var isWhole = false
  var options = ShowReport.Options()
  /// Where the same is written for browsers, too.
  var page: HTMLTarget?
  var style = PrintingStyle()

  /// - Throws: `ExitCode`, after a line that says what is wrong with the file.
  func run() throws {
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      let reader = try inputs.open(file, verifying: isVerified)
      if let tensor {
        try printNumbers(of: tensor, reader)
      } else {
        try printReport(reader)
      }
    }
  }

  private func printNumbers(
    of tensor: TensorReference, _ reader: borrowing CheckpointReader
  ) throws(CheckpointError) {
    let byteCount = reader.manifest.entry(named: tensor.name)?.byteCount ?? 0
    let report = try ProgressLine.showing("reading", byteCount: byteCount) {
      () throws(CheckpointError) in try NumbersReport(reader, tensor, isWhole: isWhole)
    }
    Console.print(report, style)
  }

  private func printReport(_ reader: borrowing CheckpointReader) throws(CheckpointError) {
    let report = try ProgressLine.showing(
      "reading", byteCount: ShowReport.byteCount(of: reader.manifest, options: options)
    ) { () throws(CheckpointError) in try ShowReport(reader, options: options) }
    if let page {
      let drawn = try ProgressLine.showing("drawing", byteCount: reader.manifest.byteCount) {
        () throws(CheckpointError) in try HTMLPage(report, reading: reader)
      }
      try page.write(drawn)
    }
    Console.print(report, style)
  }
}
