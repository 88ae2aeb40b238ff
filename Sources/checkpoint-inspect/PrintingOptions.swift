public import ArgumentParser
public import Inspection

/// How a command prints its report.
struct PrintingOptions: ParsableArguments {
  @Option(help: "How to print: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = ReportFormat.text

  @Option(help: "When to colour text: auto (on terminals, unless NO_COLOR is set), always, never.")
  var color = ColourChoice.auto
}

enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never
}

extension ReportFormat: ExpressibleByArgument {}
