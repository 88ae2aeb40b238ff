public import ArgumentParser
public import Checkpoints
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

  @Argument(
    help: "The checkpoint to read, or - to read it from standard input.", completion: .file())
  var input: String

  @Argument(help: "The file to write.", completion: .file())
  var output: String

  @Option(
    name: .customLong("to"),
    help: "For whom: \(Profile.all.map(\.name).joined(separator: ", ")).")
  var profileName: String

  @Option(help: "keras3-sharded: bytes of variables in one file, such as 200M or 5G (1024-based).")
  var maxShardSize: ByteCount?

  @Option(
    help: "Keras 3, but not keras3-h5: store bfloat16 as float32 (the default) or native.")
  var bfloat16: BFloat16Storage?

  @Option(help: "How the file's digests are computed: crc32c, as fast as memory, or sha256.")
  var digest: DigestAlgorithm?

  @Flag(help: "Write the file even if something is lost.")
  var acceptLoss = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    let profile = try Profile.named(profileName)
    guard maxShardSize == nil || profile.layout == .sharded else {
      throw ValidationError("only keras3-sharded has several files")
    }
    guard bfloat16 != .native || profile.readsBFloat16 else {
      throw ValidationError(
        "the Keras of \(profileName) cannot read bfloat16 back from it: leave out --bfloat16 native"
      )
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
          + (profile.layout.fileSuffix == ".h5" ? ", and not in \(Layout.weights.fileSuffix)" : ""))
    }
  }

  func run() throws {
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      guard let profile = Profile(name: profileName) else { return }
      let reader = try inputs.open(input, verifying: reading.verifying)
      // Everything is read once and written once.
      let work = 2 * reader.manifest.byteCount
      let losses = try ProgressLine.showing("converting", byteCount: work) {
        () throws(CheckpointError) in
        try reader.convert(
          to: profile, writing: output, acceptingLoss: acceptLoss, replacing: force,
          maximumShardByteCount: maxShardSize?.bytes, digests: digest, bfloat16: bfloat16)
      }
      for loss in losses { Console.printLine("lost: \(loss)") }
      for note in reader.conversionNotes(to: profile) { Console.printLine("note: \(note)") }
      Console.printLine("wrote \(output) (\(profileName))")
    }
  }
}

extension Profile {
  /// The profile of a name on the command line.
  ///
  /// - Throws: what may have been meant, or all there are.
  static func named(_ name: String) throws -> Profile {
    if let profile = Profile(name: name) { return profile }
    let names = all.map(\.name)
    let meant = Suggestion.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
    throw ValidationError(
      "'\(name)' is no profile; " + (meant ?? "there are \(names.joined(separator: ", "))"))
  }
}

extension ByteCount: ExpressibleByArgument {}
extension BFloat16Storage: ExpressibleByArgument {}
extension DigestAlgorithm: ExpressibleByArgument {}
