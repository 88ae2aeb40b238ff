import ArgumentParser

/// How a command reads its checkpoints.
struct ReadingOptions: ParsableArguments {
  @Flag(
    name: .customLong("no-verify"),
    help: "Read what is there, even where the file's own digests say that it is damaged.")
  var isUnverified = false

  var verifying: Bool { !isUnverified }
}
