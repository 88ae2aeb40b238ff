public import ArgumentParser
public import Inspection

/// How a command prints its report.
struct PrintingOptions: ParsableArguments {
  @Option(help: "How to print: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = PrintingStyle().format

  @Option(help: "When to colour text: auto (on terminals, unless NO_COLOR is set), always, never.")
  var color = PrintingStyle().color

  var style: PrintingStyle { PrintingStyle(format: format, color: color) }
}

/// How a report is printed.
struct PrintingStyle {
  var format = ReportFormat.text
  var color = ColourChoice.auto
}

enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never
}

extension ReportFormat: ExpressibleByArgument {}
