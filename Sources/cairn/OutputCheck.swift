#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds out before hours of training what would fail, or destroy something, after them.
enum OutputCheck {
  /// Throws unless `path` can be written without losing anything that the user wants to keep.
  ///
  /// - Parameters:
  ///   - replacing: whether an existing file may be replaced.
  ///   - others: the files that the command reads or writes besides, never replaced.
  static func check(_ path: String, replacing: Bool, others: [String]) throws {
    func refusal(_ reason: String) -> CommandError {
      CommandError("cannot write \(path): \(reason)")
    }
    if let other = others.first(where: { isSameFile($0, path) }) {
      throw refusal("this command also uses it as \(other); choose another name")
    }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else { throw refusal("it is a folder") }
      guard replacing else { throw refusal("the file exists; replace it with --force") }
    }
    guard access(folder(of: path), W_OK) == 0 else {
      throw refusal(String(cString: strerror(errno)))
    }
  }

  private static func isSameFile(_ a: String, _ b: String) -> Bool {
    if let a = identity(a), let b = identity(b) { return a == b }
    guard let folderOfA = identity(folder(of: a)), folderOfA == identity(folder(of: b)) else {
      return false
    }
    return name(of: a) == name(of: b)
  }

  private struct Identity: Equatable {
    let device: UInt64
    let node: UInt64
  }

  /// Nil when there is no such file.
  private static func identity(_ path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[...slash])
  }

  private static func name(of path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }
}
