import ArgumentParser
import Checkpoints
import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What `doctor` runs in a process of its own, since libhdf5 crashes on some damaged files: reads a file and
/// prints what it finds, a line of JSON each.
struct WalkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "walk-damaged-file", shouldDisplay: false)

  /// More than any reading takes; a damaged file may ask for anything.
  private static let memoryLimit: UInt = 16 << 30

  @Argument var path: String
  @Argument var lowerBound = 0
  @Argument var upperBound = 0
  @Option var skip: [String] = []
  @Option var spool: String?
  @Flag var names = false

  func validate() throws {
    guard lowerBound >= 0, lowerBound <= upperBound else {
      throw ValidationError("no range of bytes")
    }
  }

  func run() throws {
    // A crash is expected here, and is nobody's to look at.
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(.core, &limit)
    // On top of what is there: sanitizers reserve terabytes.
    let most = Self.addressSpaceByteCount + Self.memoryLimit
    limit = rlimit(rlim_cur: rlim_t(most), rlim_max: rlim_t(most))
    _ = setrlimit(.addressSpace, &limit)
    if names {
      ManifestNames.emit(path, Self.emit)
      return
    }
    var walk = ObjectWalk(
      path, window: lowerBound..<upperBound, skipping: Set(skip), spoolFolder: spool,
      emit: Self.emit)
    walk.run()
  }

  /// What this process has reserved so far: the first field of proc(5)'s `statm`, in pages.
  private static var addressSpaceByteCount: UInt {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = fread(&bytes, 1, bytes.count, file)
    let pages = UInt(String(decoding: bytes.prefix(count).prefix { $0 != 0x20 }, as: UTF8.self))
    return (pages ?? 0) * UInt(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Written at once: the next call may be the last.
  private static func emit(_ line: JSONValue) {
    var rest = Array((line.text + "\n").utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      // Nobody listens any more.
      guard count > 0 else { Self.exit() }
      rest = rest.dropFirst(count)
    }
  }
}

private enum Resource {
  case core, addressSpace

  #if canImport(Glibc)
    var identifier: __rlimit_resource_t {
      __rlimit_resource_t((self == .core ? RLIMIT_CORE : RLIMIT_AS).rawValue)
    }
  #else
    var identifier: Int32 { self == .core ? RLIMIT_CORE : RLIMIT_AS }
  #endif
}

private func setrlimit(_ resource: Resource, _ limit: inout rlimit) -> Int32 {
  setrlimit(resource.identifier, &limit)
}
