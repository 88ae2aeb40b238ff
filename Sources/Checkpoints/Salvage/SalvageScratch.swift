#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder for what is needed on the way, private to this process; gone with the value.
struct SalvageScratch: ~Copyable {
  let path: String

  init() throws(SystemCallError) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/checkpoint-inspect-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { _ = FolderTree.remove(path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// A new folder inside.
  func folder(_ name: String) throws(SystemCallError) -> String {
    try FileSystem.makeFolder(file(name))
    return file(name)
  }
}
