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

  @Argument(help: "The checkpoint to read.")
  var input: String

  @Argument(help: "The file to write.")
  var output: String

  @Option(
    name: .customLong("to"),
    help: "For whom: \(Profile.all.map(\.name).joined(separator: ", ")).")
  var profileName: String

  @Flag(help: "Write the file even if something is lost.")
  var acceptLoss = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  func validate() throws {
    guard let profile = Profile(name: profileName) else {
      throw ValidationError(
        "'\(profileName)' is no profile; there are "
          + Profile.all.map(\.name).joined(separator: ", "))
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
      let (reduced, losses) = try CheckpointReader(opening: input).load().reduced(to: profile)
      guard losses.isEmpty || acceptLoss else {
        throw CheckpointError(
          .refused, "cannot convert", path: input,
          problem: "\(profileName) cannot hold \(losses.joined(separator: "; "))",
          cure: "--accept-loss writes it without")
      }
      try reduced.save(to: output, profile: profile, replacing: force)
      for loss in losses { print("lost: \(loss)") }
      print("wrote \(output) (\(profileName))")
    }
  }
}
