import ArgumentParser
import Checkpoints
import Inspection

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "What is in a checkpoint: layers, variables, optimizer slots, configuration.",
    discussion: "Example: checkpoint-inspect show model.h5 --statistics --only 'encoder/*'")

  @Argument(help: "The checkpoint file.")
  var file: String

  @Flag(help: "Add the SHA-256 of each tensor's little-endian bytes.")
  var digests = false

  @Flag(
    help: "Add minimum, maximum, mean, deviation, zeros and non-finite elements of each tensor.")
  var statistics = false

  @OptionGroup var filter: FilterOptions

  @OptionGroup var page: HTMLOptions

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    try Console.reportingTrouble { () throws(CheckpointError) in
      let reader = try CheckpointReader(opening: file, verifying: reading.verifying)
      var options = ShowReport.Options()
      options.digests = digests
      options.statistics = statistics
      options.filter = filter.filter
      let report = try ShowReport(reader, options: options)
      if let html = page.html {
        try HTMLPage(report, reading: reader).write(to: html, replacing: page.force)
      }
      Console.print(report, printing)
    }
  }
}
