import ArgumentParser
import Checkpoints
import KerasConfiguration

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare checkpoints with the digests in them.",
    discussion: """
      Every tensor is ok, damaged or not covered; so are the structure around the tensors and the \
      documents beside them. A folder of checkpoints is gone through from the newest to the oldest.
      Exit code 0: nothing is damaged; 1: damage, or with --require-digests tensors without digests; \
      2: a file cannot be read.
      Digests find accidents. They are no proof of who wrote a file: whoever can change the tensors can \
      change the digests with them.
      Example: checkpoint-inspect verify run --require-digests
      """)

  @Argument(help: "The checkpoint, or a folder of checkpoints.")
  var path: String

  @Flag(help: "Count tensors without digests as damage.")
  var requireDigests = false

  @Option(help: "Read only tensors whose names match this pattern: 'encoder/*'. Repeatable.")
  var only: [String] = []

  @Option(help: "How to print: text or json.")
  var format = ReportFormat.text

  func validate() throws {
    for pattern in only where Glob(pattern) == nil {
      throw ValidationError(
        "'\(pattern)' is not a pattern: a set is left open, or it ends in '\\'")
    }
  }

  func run() throws {
    var isGood = true
    var hasTrouble = false
    try Console.reportingTrouble { () throws(CheckpointError) in
      guard let paths = try CheckpointReader.checkpoints(inFolder: path) else {
        let report = try verify(path)
        isGood = passes(report)
        switch format {
        case .json: Console.printJSON(report.json)
        case .text: printText(report)
        }
        return
      }
      guard !paths.isEmpty else {
        throw CheckpointError(
          .unrecognized, "cannot verify", path: path,
          problem: "expected a checkpoint or a folder of checkpoints, found neither")
      }
      var reports: [JSONValue] = []
      for path in paths {
        let outcome = Result { () throws(CheckpointError) in try verify(path) }
        switch outcome {
        case .success(let report): isGood = isGood && passes(report)
        case .failure: hasTrouble = true
        }
        switch format {
        case .json: reports.append(Self.json(path, outcome))
        case .text: printSummary(path, outcome)
        }
      }
      if format == .json {
        Console.printJSON(
          .object(
            JSONObject([
              ("schemaVersion", JSONValue(ReportSchema.version)), ("path", .string(path)),
              ("checkpoints", .array(reports)),
            ])))
      }
    }
    if hasTrouble { throw ExitCode(2) }
    if !isGood { throw ExitCode(1) }
  }

  private func verify(_ path: String) throws(CheckpointError) -> VerificationReport {
    try CheckpointReader.verify(path, only: only.compactMap { Glob($0) })
  }

  private func passes(_ report: VerificationReport) -> Bool {
    report.isWhole && (report.isCovered || !requireDigests)
  }
}

// MARK: - Printing

extension VerifyCommand {
  private func printText(_ report: VerificationReport) {
    if let algorithm = report.algorithm {
      let roots = report.roots.map { "root \($0)" }.joined(separator: ", ")
      Console.printLine("\(algorithm.title), \(roots)")
      Console.printLine()
    }
    var table = TextTable()
    for item in report.items { table.add([item.label, item.outcome.words]) }
    for line in table.lines { Console.printLine(line) }
    Console.printLine()
    Console.printLine(report.summary)
  }

  /// A line for a checkpoint of a folder, and one for everything that is damaged in it.
  private func printSummary(_ path: String, _ outcome: Result<VerificationReport, CheckpointError>)
  {
    switch outcome {
    case .failure(let error): Console.printLine("\(path): \(error)")
    case .success(let report):
      Console.printLine("\(path): \(report.summary)")
      for item in report.damaged { Console.printLine("  \(item.label): \(item.outcome.words)") }
    }
  }

  private static func json(
    _ path: String, _ outcome: Result<VerificationReport, CheckpointError>
  ) -> JSONValue {
    switch outcome {
    case .success(let report): report.json
    case .failure(let error):
      .object(
        JSONObject([
          ("path", .string(path)), ("outcome", "unreadable"), ("reason", .string("\(error)")),
        ]))
    }
  }
}

extension VerificationReport {
  fileprivate var summary: String {
    let tensors = tensors
    let size = Readable.bytes(tensors.reduce(0) { $0 + $1.byteCount })
    let uncovered = tensors.count { $0.outcome == .notCovered }
    let total = "\(tensors.count) tensors, \(size)"
    if !isWhole { return "damaged: \(damaged.count) of \(items.count) parts; \(total)" }
    if uncovered == tensors.count { return "not covered: no digests; \(total)" }
    if uncovered > 0 { return "ok, but \(uncovered) tensors are not covered; \(total)" }
    return "ok: \(total)"
  }
}

extension VerificationReport.Item {
  /// A tensor's name, or what else it is.
  fileprivate var label: String {
    switch subject {
    case .tensor, .document: name
    case .structure: "(structure)"
    case .digests: "(digests)"
    }
  }
}

extension VerificationReport.Outcome {
  fileprivate var words: String {
    switch self {
    case .intact: "ok"
    case .notCovered: "not covered"
    case .damaged(let reason, _): "damaged: \(reason)"
    }
  }
}
