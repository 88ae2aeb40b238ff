import ArgumentParser

/// How a command reads checkpoints.
struct ReadingOptions: ParsableArguments {
  @Flag(
    name: .customLong("no-verify"),
    help: "Read what is there, even where a checkpoint's own digests say that it is damaged.")
  var isUnverified = false

  var verifying: Bool { !isUnverified }
}
