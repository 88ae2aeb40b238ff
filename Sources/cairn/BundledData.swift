#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The data that ship with Cairn.
enum BundledData {
  /// `Fixtures/digits.h5` of the checkout that this program was built in, or that it is run in.
  static func digits() throws -> String {
    let name = "Fixtures/digits.h5"
    var folders = ["."]
    if let program = realpath("/proc/self/exe", nil) {
      defer { free(program) }
      var folder = String(cString: program)
      while let slash = folder.lastIndex(of: "/") {
        folder = String(folder[..<slash])
        folders.append(folder)
      }
    }
    for folder in folders where access("\(folder)/\(name)", R_OK) == 0 {
      return "\(folder)/\(name)"
    }
    throw CommandError(
      "cannot find \(name): name a data file, or run this in a checkout of Cairn")
  }
}
