#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The name under which a file is written before it gets its own: `NAME.tmp-<host>-<process>-<random>`.
///
/// It names the writer, so that what a writer left that died can be told from what is being written.
struct PendingName {
  /// The name that the file would have got.
  let finalName: String
  let host: String
  let process: pid_t
  let random: UInt32

  private static let mark = ".tmp-"

  /// A new name for a file that is to become `finalName`.
  init(for finalName: String) {
    self.finalName = finalName
    host = Self.host
    process = getpid()
    random = UInt32.random(in: 0 ... .max)
  }

  /// Nil for any other name.
  init?(parsing name: String) {
    var parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard let random = parts.popLast().flatMap({ UInt32($0, radix: 16) }),
      let process = parts.popLast().flatMap({ pid_t($0) }), process > 0
    else { return nil }
    let head = parts.joined(separator: "-")
    guard let mark = Self.lastMark(in: head) else { return nil }
    finalName = String(head[..<mark.lowerBound])
    host = String(head[mark.upperBound...])
    guard !finalName.isEmpty, !host.isEmpty else { return nil }
    self.process = process
    self.random = random
  }

  var text: String { "\(finalName)\(Self.mark)\(host)-\(process)-\(String(random, radix: 16))" }

  /// Whether the writer still runs; nil when that cannot be known, as it runs elsewhere.
  var isWriterRunning: Bool? {
    host == Self.host ? ProcessIdentity.isRunning(process) : nil
  }

  /// Short, so that the name stays within what file systems allow.
  private static let host = String(
    ProcessIdentity.hostName.prefix(24).map { $0 == "/" || !$0.isASCII ? "_" : $0 })

  private static func lastMark(in text: String) -> Range<String.Index>? {
    var end = text.endIndex
    while let dot = text[..<end].lastIndex(of: ".") {
      if text[dot...].hasPrefix(mark) { return dot..<text.index(dot, offsetBy: mark.count) }
      end = dot
    }
    return nil
  }
}

// MARK: - Left-overs of writers that died

extension PendingName {
  /// Removes files and folders that writers left which no longer run; returns their names, sorted.
  ///
  /// - Parameters:
  ///   - isOurs: whether a left-over that was to become such a name is to be removed.
  ///   - isExclusive: whether no other process can be writing such names, on whatever host.
  @discardableResult
  static func removeAbandoned(
    in folder: String, isExclusive: Bool = false, where isOurs: (_ finalName: String) -> Bool
  ) -> [String] {
    // A folder that cannot be listed has nothing that could be removed.
    guard let names = try? FolderTree.names(in: folder) else { return [] }
    return names.filter { name in
      guard let pending = PendingName(parsing: name), isOurs(pending.finalName),
        !(pending.isWriterRunning ?? !isExclusive)
      else { return false }
      return FolderTree.remove("\(folder)/\(name)")
    }
  }
}
