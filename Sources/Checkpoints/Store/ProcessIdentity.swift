#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A process, told apart from all others that have, had or will have its number.
struct ProcessIdentity: Sendable, Hashable {
  /// The machine's name.
  let host: String
  /// What differs between machines of one name, between boots of one machine, and between containers that
  /// count their processes apart: only within one of these does a process number mean anything.
  let numbering: String
  let number: pid_t
  /// When the process began, in the system's own units; empty where the system does not tell.
  let startTime: String

  static let current = ProcessIdentity(
    host: hostName, numbering: numberingOfThisProcess, number: getpid(),
    startTime: status(of: getpid())?.startTime ?? "")

  init(host: String, numbering: String, number: pid_t, startTime: String) {
    self.host = host
    self.numbering = numbering
    self.number = number
    self.startTime = startTime
  }

  /// Nil when it cannot be known from here: the process belongs to another machine or container.
  var isRunning: Bool? {
    guard host == Self.current.host, numbering == Self.current.numbering else { return nil }
    guard Self.isRunning(number) else { return false }
    guard let status = Self.status(of: number) else { return true }
    return status.startTime == startTime
  }

  /// Whether a process of this machine has the number, and is more than a remnant that waits for its
  /// parent.
  static func isRunning(_ number: pid_t) -> Bool {
    guard kill(number, 0) == 0 || errno == EPERM else { return false }
    return status(of: number).map { !$0.hasEnded } ?? true
  }

  /// Nil for a process that does not exist, or where the system does not tell.
  static func startTime(of number: pid_t) -> String? { status(of: number)?.startTime }

  static let hostName: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()
}

// MARK: - What the system tells

extension ProcessIdentity {
  private static var numberingOfThisProcess: String {
    var target = [CChar](repeating: 0, count: 256)
    let count = readlink("/proc/self/ns/pid", &target, target.count - 1)
    let space = String(
      decoding: target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let boot = (try? text(of: "/proc/sys/kernel/random/boot_id")) ?? ""
    return "\(boot.prefix { $0 != "\n" }) \(space)"
  }

  /// Fields 3 and 22 of `/proc/<number>/stat`, see proc(5); nil where there is no such file.
  private static func status(of number: pid_t) -> (startTime: String, hasEnded: Bool)? {
    guard let text = try? text(of: "/proc/\(number)/stat"),
      // The program's name, field 2, stands in parentheses and may hold anything.
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19 else { return nil }
    return (String(fields[19]), fields[0] == "Z" || fields[0] == "X")
  }

  /// At most 4 KiB: these files have no size that could be asked for.
  private static func text(of path: String) throws(SystemCallError) -> String {
    let descriptor = try retryingInterrupted("open") { open(path, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = try retryingInterrupted("read") { read(descriptor, &bytes, bytes.count) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
