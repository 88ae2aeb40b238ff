import ArgumentParser
import Checkpoints
import Inspection

/// Whether a command also writes its report for a browser.
struct HTMLOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also write the report, with pictures, as one HTML file that needs no network.",
      valueName: "file"))
  var html: String?

  @Flag(help: "Replace the HTML file if it exists.")
  var force = false

  var target: HTMLTarget? { html.map { HTMLTarget(path: $0, isReplacing: force) } }
}

/// Where a page is written.
struct HTMLTarget {
  let path: String
  let isReplacing: Bool

  func write(_ page: HTMLPage) throws(CheckpointError) {
    try page.write(to: path, replacing: isReplacing)
  }
}
