public import Foundation
import Glibc

extension BuiltProduct {
  /// Runs the program to its end with standard error on a terminal of its own (of Linux), and standard output
  /// nowhere.
  ///
  /// - Parameters:
  ///   - columns: of the terminal; 0 for one that does not tell its width.
  ///   - input: its standard input; nothing if nil.
  ///   - onText: is called with all that the terminal has got so far, whenever there is more.
  /// - Returns: as errors all that the terminal got; no output.
  public func run(
    onTerminalOf columns: UInt16, _ arguments: [String], environment: [String: String] = [:],
    in folder: String? = nil, input: Pipe? = nil, onText: (String) throws -> Void = { _ in }
  ) throws -> Outcome {
    // What other tests start at the same time must not inherit either side.
    let control = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    defer { close(control) }
    // ioctl_tty(2), by number: Swift's Glibc has neither the calls of pty(7) nor these macros.
    let (setLock, getNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))
    var (unlocked, number) = (Int32(0), Int32(0))
    guard ioctl(control, setLock, &unlocked) == 0, ioctl(control, getNumber, &number) == 0
    else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    let terminal = FileHandle(
      fileDescriptor: open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC),
      closeOnDealloc: true)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    guard ioctl(terminal.fileDescriptor, UInt(TIOCSWINSZ), &size) == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EIO)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["TERM": "xterm"]) { $1 }.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = input?.fileHandleForReading ?? FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = terminal
    try process.run()
    // From now on only the program has it open, so that reading the other side ends when it does.
    try terminal.close()
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 12)
    while true {
      let count = read(control, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer[..<count]
      try onText(String(decoding: bytes, as: UTF8.self))
    }
    process.waitUntilExit()
    let code = process.terminationStatus
    return Outcome(
      exitCode: process.terminationReason == .uncaughtSignal ? 128 + code : code, output: "",
      errors: String(decoding: bytes, as: UTF8.self))
  }
}
