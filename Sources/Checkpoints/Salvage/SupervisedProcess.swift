#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A child process whose lines are read, and which is killed when it has nothing more to say.
package enum SupervisedProcess {
  /// How a process ended.
  package enum Ending: Hashable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)
    case stuck(seconds: Double)

    package var description: String {
      switch self {
      case .exit(let code): "ended with exit code \(code)"
      case .signal(let signal):
        "crashed: \(String(cString: strsignal(signal))) (signal \(signal))"
      case .stuck(let seconds): "came to no end: nothing was heard of it for \(seconds) s"
      }
    }
  }

  /// Runs a program to its end; its standard output is read line by line, its standard error thrown away.
  ///
  /// - Throws: when it cannot be started.
  package static func run(
    _ executable: String, _ arguments: [String], patienceSeconds: Double,
    line: ([UInt8]) -> Void
  ) throws(SystemCallError) -> Ending {
    var pipe: [Int32] = [-1, -1]
    guard Glibc.pipe(&pipe) == 0 else { throw SystemCallError("pipe") }
    let process: pid_t
    do {
      defer { close(pipe[1]) }
      _ = fcntl(pipe[0], F_SETFD, FD_CLOEXEC)
      _ = fcntl(pipe[1], F_SETFD, FD_CLOEXEC)
      process = try spawn(executable, arguments, output: pipe[1])
    } catch {
      close(pipe[0])
      throw error
    }
    defer { close(pipe[0]) }
    let isStuck = !read(pipe[0], patienceSeconds: patienceSeconds, line: line)
    if isStuck { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    if isStuck { return .stuck(seconds: patienceSeconds) }
    let signal = status & 0x7f
    return signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
  }

  private static func spawn(
    _ executable: String, _ arguments: [String], output: Int32
  ) throws(SystemCallError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var words = ([executable] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var process: pid_t = 0
    let code = posix_spawn(&process, executable, &actions, nil, words, environ)
    guard code == 0 else { throw SystemCallError("posix_spawn", code: code) }
    return process
  }

  /// False when nothing came for too long.
  private static func read(
    _ descriptor: Int32, patienceSeconds: Double, line: ([UInt8]) -> Void
  ) -> Bool {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let count = poll(&waited, 1, Int32(patienceSeconds * 1000))
      if count < 0, errno == EINTR { continue }
      if count == 0 { return false }
      let got = Glibc.read(descriptor, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      // A line that was never ended is not looked at: whoever wrote it crashed on the way.
      guard got > 0 else { return true }
      var rest = buffer[..<got]
      while let end = rest.firstIndex(of: 0x0a) {
        line(pending + rest[..<end])
        pending = []
        rest = rest[(end + 1)...]
      }
      pending += rest
    }
  }
}
