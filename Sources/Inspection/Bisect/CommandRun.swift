import Checkpoints

#if canImport(Glibc)
  @preconcurrency import Glibc  // `environ` is a variable there
#else
  @preconcurrency import Darwin
#endif

/// A user's command, run on a checkpoint.
///
/// It has no shell around it; what it prints goes to standard error, so that it does not mix with the
/// report.
struct CommandRun {
  private let words: [String]

  /// - Parameter words: the program, looked up as shells do, and its arguments; each `{}` in them stands
  ///   for the path.
  init(_ words: [String], on path: String) {
    self.words = words.map { $0.replacing("{}", with: path) }
  }

  func verdict() throws(CheckpointError) -> Verdict {
    let status = try run()
    let signal = status & 0x7f
    guard signal == 0 else {
      throw failure("a command that ends by itself", "signal \(signal)")
    }
    let code = (status >> 8) & 0xff
    switch code {
    case 0: return Verdict(.passes)
    case 125: return Verdict(.undecided, "exit code 125")
    case 1...127: return Verdict(.fails, "exit code \(code)")
    default: throw failure("an exit code from 0 to 127", "\(code)")
    }
  }

  /// The status that the process ended with, as `waitpid` gives it.
  private func run() throws(CheckpointError) -> Int32 {
    #if canImport(Glibc)
      var actions = posix_spawn_file_actions_t()
    #else
      var actions: posix_spawn_file_actions_t?
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
    guard code == 0 else {
      throw failure("a program that can be started", String(cString: strerror(code)))
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else {
        throw failure("to wait for it", String(cString: strerror(errno)))
      }
    }
    return status
  }

  private func failure(_ expected: String, _ found: String) -> CheckpointError {
    CheckpointError(
      .refused, "cannot go by the command", path: words.joined(separator: " "),
      problem: "expected \(expected), found \(found)",
      cure: "try it on one checkpoint by hand; 0 passes, 1 to 127 fail, 125 leaves it open")
  }
}
