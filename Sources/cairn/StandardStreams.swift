#if canImport(Glibc)
  @preconcurrency import Glibc  // `stdout` is a variable there
#else
  import Darwin
#endif

/// The three streams that a process is given, or not.
enum StandardStreams {
  /// Puts `/dev/null` in the place of streams that are closed. Otherwise the next file to be opened
  /// would get the number of one, and what is printed would be written into that file.
  static func openMissing() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given out first: this one.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Throws when something that was printed could not be written, as on a full disk.
  static func flushOutput() throws {
    guard fflush(stdout) == 0, ferror(stdout) == 0 else {
      throw CommandError("cannot write to standard output: \(String(cString: strerror(errno)))")
    }
  }
}
