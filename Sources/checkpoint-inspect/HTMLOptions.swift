import ArgumentParser

/// Whether a command also writes its report for a browser.
struct HTMLOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also write the report, with pictures, as one HTML file that needs no network.",
      valueName: "file"))
  var html: String?

  @Flag(help: "Replace the HTML file if it exists.")
  var force = false
}
