import Checkpoints
import Inspection

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The `git` of the user, asked for settings.
struct Git {
  /// Whether the user's own configuration is meant, not the repository's.
  let isGlobal: Bool

  private var scope: String { isGlobal ? "--global" : "--local" }

  func set(_ key: String, _ value: String) throws(CheckpointError) {
    let (code, _) = try Self.run(["config", scope, key, value])
    guard code == 0 else {
      throw Self.trouble("git config \(key) ended with exit code \(code)")
    }
  }

  /// Removes a setting; none is none to remove.
  func unset(_ key: String) throws(CheckpointError) {
    _ = try Self.run(["config", scope, "--unset-all", key])
  }

  /// The repository's `.gitattributes`, or the user's file of attributes.
  func attributesFile() throws(CheckpointError) -> String {
    guard isGlobal else {
      let (code, lines) = try Self.run(["rev-parse", "--show-toplevel"])
      guard code == 0, let top = lines.first else {
        throw Self.trouble(
          "no git repository here", cure: "change to one, or set git up for all with --global")
      }
      return "\(top)/.gitattributes"
    }
    let (code, lines) = try Self.run([
      "config", "--global", "--type=path", "core.attributesFile",
    ])
    if code == 0, let file = lines.first { return file }
    // gitattributes(5): git looks there when nothing else is set.
    func folder(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard
      let configuration = folder("XDG_CONFIG_HOME") ?? folder("HOME").map({ "\($0)/.config" })
    else { throw Self.trouble("HOME is not set", cure: "set it") }
    for path in [configuration, "\(configuration)/git"] { mkdir(path, 0o755) }
    return "\(configuration)/git/attributes"
  }

  private static func run(
    _ arguments: [String]
  ) throws(CheckpointError) -> (code: Int32, lines: [String]) {
    var lines: [String] = []
    do throws(SystemCallError) {
      let ending = try SupervisedProcess.run(
        "/usr/bin/env", ["git"] + arguments, patienceSeconds: 60
      ) { lines.append(String(decoding: $0, as: UTF8.self)) }
      guard case .exit(let code) = ending else { throw SystemCallError("git", code: EINTR) }
      guard code != 127 else { throw SystemCallError("git", code: ENOENT) }
      return (code, lines)
    } catch {
      throw trouble("\(error)", cure: "see that git is installed")
    }
  }

  private static func trouble(_ problem: String, cure: String? = nil) -> CheckpointError {
    CheckpointError(
      .unwritable, "cannot set up", path: "git", problem: problem,
      cure: cure ?? "see what git config says")
  }
}

// MARK: - Files and words

extension Git {
  /// A word as the shell takes it that git calls.
  static func shellWord(_ word: String) -> String {
    let plain = word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+".contains($0))
    }
    return plain ? word : "'\(word.replacing("'", with: "'\\''"))'"
  }

  /// Nil for a file that cannot be read.
  static func bytes(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return ferror(file) == 0 ? bytes : nil
  }

  /// Empty for a file that is not there.
  static func content(of path: String) throws(CheckpointError) -> String {
    guard access(path, F_OK) == 0 else { return "" }
    guard let bytes = bytes(of: path), let text = String(validating: bytes, as: UTF8.self) else {
      throw CheckpointError(
        .unreadable, "cannot read", path: path, problem: "expected a text in UTF-8, found another",
        cure: "see what it holds")
    }
    return text
  }

  /// Writes a file whole or not at all; one with nothing in it is removed.
  static func write(_ text: String, to path: String) throws(CheckpointError) {
    if text.isEmpty, unlink(path) == 0 { return }
    let temporary = "\(path).tmp-\(getpid())"
    let isWritten = fopen(temporary, "w").map { file in
      let count = fputs(text, file)
      return fclose(file) == 0 && count >= 0
    }
    guard isWritten == true, rename(temporary, path) == 0 else {
      let problem = String(cString: strerror(errno))
      unlink(temporary)
      throw CheckpointError(.unwritable, "cannot write", path: path, problem: problem)
    }
  }
}
