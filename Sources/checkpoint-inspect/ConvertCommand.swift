import ArgumentParser
import Checkpoints
import KerasConfiguration

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a checkpoint anew for another Keras or in another layout.",
    discussion: """
      Weights, slots, averages, counter, rate and configuration are carried over bit for bit; the \
      optimizer keeps the formulas that it was trained with. What the target cannot hold is listed, and \
      nothing is written unless --accept-loss is given.
      Example: checkpoint-inspect convert model.h5 model.keras --to keras3-archive
      """)

  @Argument(help: "The checkpoint to read.", completion: .file())
  var input: String

  @Argument(help: "The file to write.", completion: .file())
  var output: String

  @Option(
    name: .customLong("to"),
    help: "For whom: \(Profile.all.map(\.name).joined(separator: ", ")).")
  var profileName: String

  @Option(
    help: "keras3-sharded: bytes of variables in one file, such as 200M or 5G (1024-based).",
    transform: ByteCount.parse)
  var maxShardSize: Int?

  @Flag(help: "Write the file even if something is lost.")
  var acceptLoss = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard let profile = Profile(name: profileName) else {
      throw ValidationError(
        "'\(profileName)' is no profile; there are "
          + Profile.all.map(\.name).joined(separator: ", "))
    }
    guard maxShardSize == nil || profile.layout == .sharded else {
      throw ValidationError("only keras3-sharded has several files")
    }
    if profile.layout == .directory {
      guard let suffix = [".h5", ".keras", ".json"].first(where: output.hasSuffix) else { return }
      throw ValidationError("\(profileName) is a folder: its name must not end in \(suffix)")
    }
    guard output.hasSuffix(profile.layout.fileSuffix),
      profile.layout == .weights || !output.hasSuffix(Layout.weights.fileSuffix)
    else {
      throw ValidationError(
        "Keras chooses its loader by the file's name: for \(profileName) it must end in "
          + profile.layout.fileSuffix
          + (profile.layout == .weights ? "" : ", and not in \(Layout.weights.fileSuffix)"))
    }
  }

  func run() throws {
    try Console.reportingTrouble { () throws(CheckpointError) in
      guard let profile = Profile(name: profileName) else { return }
      let reader = try CheckpointReader(opening: input, verifying: reading.verifying)
      // Everything is read once and written once.
      let losses = try ProgressLine.showing("converting", byteCount: 2 * reader.manifest.byteCount)
      {
        () throws(CheckpointError) in
        try reader.convert(
          to: profile, writing: output, acceptingLoss: acceptLoss, replacing: force,
          maximumShardByteCount: maxShardSize)
      }
      for loss in losses { print("lost: \(loss)") }
      print("wrote \(output) (\(profileName))")
    }
  }
}

/// Numbers of bytes as people write them.
private enum ByteCount {
  /// `1048576`, `200M`, `5G`: K, M, G and T are powers of 1024.
  static func parse(_ text: String) throws -> Int {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let factor = text.last.flatMap { units[$0] }
    guard let count = Int(factor == nil ? text : String(text.dropLast())), count > 0,
      case (let bytes, let overflow) = count.multipliedReportingOverflow(by: factor ?? 1), !overflow
    else { throw ValidationError("expected a number of bytes such as 200M, received '\(text)'") }
    return bytes
  }
}
