import ArgumentParser
import Checkpoints
import Inspection

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
      Examples:
        checkpoint-inspect verify run --require-digests
        curl -s https://example.org/model.keras | tee model.keras | checkpoint-inspect verify -
      """)

  @Argument(
    help: "The checkpoint, a folder of checkpoints, or - for standard input.", completion: .file()
  )
  var path: String

  @Flag(help: "Count tensors without digests as damage.")
  var requireDigests = false

  @Option(help: "Read only tensors whose names match this pattern: 'encoder/*'. Repeatable.")
  var only: [String] = []

  @OptionGroup var printing: PrintingOptions

  func validate() throws { try FilterOptions.validate(patterns: only) }

  func run() throws {
    var isGood = true
    var hasTrouble = false
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      guard let paths = try CheckpointReader.checkpoints(inFolder: path) else {
        let file = try inputs.file(path)
        let report = try ProgressLine.showing(
          "verifying", byteCount: CheckpointReader.fileByteCount(of: file.path)
        ) { () throws(CheckpointError) in
          try verify(file.path).naming(file.path, file.name)
        }
        isGood = passes(report)
        Console.print(report, printing.style)
        return
      }
      guard !paths.isEmpty else {
        throw CheckpointError(
          .unrecognized, "cannot verify", path: path,
          problem: "expected a checkpoint or a folder of checkpoints, found neither")
      }
      let byteCount = paths.reduce(0) { $0 + CheckpointReader.fileByteCount(of: $1) }
      let checkpoints = ProgressLine.showing("verifying", byteCount: byteCount) {
        paths.map { path in
          (path: path, outcome: Result { () throws(CheckpointError) in try verify(path) })
        }
      }
      for (_, outcome) in checkpoints {
        switch outcome {
        case .success(let report): isGood = isGood && passes(report)
        case .failure: hasTrouble = true
        }
      }
      Console.print(FolderVerificationReport(path: path, checkpoints: checkpoints), printing.style)
    }
    if hasTrouble { throw ExitCode(2) }
    if !isGood { throw ExitCode(1) }
  }

  private func verify(_ path: String) throws(CheckpointError) -> VerificationReport {
    let patterns = only.compactMap { Glob($0) }
    do {
      return try CheckpointReader.verify(path, only: patterns)
    } catch  where error.kind == .refused {
      let names = try CheckpointReader(opening: path, verifying: false).manifest.entries.map(\.name)
      throw error.suggesting(for: only, among: names)
    }
  }

  private func passes(_ report: VerificationReport) -> Bool {
    report.isWhole && (report.isCovered || !requireDigests)
  }
}
