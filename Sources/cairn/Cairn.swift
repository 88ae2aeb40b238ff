import ArgumentParser
import Checkpoints

/// Trains models whose state is saved in files that Keras opens.
@main
struct Cairn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Train Keras models; stop anywhere, and go on with the same bits.",
    discussion: """
      Data are HDF5 files with datasets x and y, one row an example. Exit codes: 0 done, 1 differences \
      (verify-resume), 2 trouble (one line says what), 64 wrong usage, 130 and 143 stopped by SIGINT \
      or SIGTERM after a save.
      """,
    version: "cairn \(CairnVersion.current)",
    subcommands: [
      TrainCommand.self, ResumeCommand.self, VerifyResumeCommand.self, EvaluateCommand.self,
      PredictCommand.self,
    ])

  static func main() {
    StandardStreams.openMissing()
    main(nil)
  }
}
