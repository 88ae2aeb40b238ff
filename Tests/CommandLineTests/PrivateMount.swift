import Foundation
import TestSupport
import Testing

/// A small memory file system that only the program under test sees, in a mount namespace of its own,
/// which Linux lets root make, and users where user namespaces are allowed.
struct PrivateMount: ~Copyable {
  private let folder: TemporaryDirectory
  private let options: String

  /// Where the program under test finds it.
  var path: String { folder.path }

  /// - Parameter options: of the mount, such as `size=64k`.
  init(options: String) throws {
    folder = try TemporaryDirectory()
    self.options = options
  }

  struct Run {
    let outcome: Outcome
    /// Names of what the file system held at the end, folders with a slash, sorted.
    let left: [String]
  }

  /// Runs a program that finds the file system at ``path``. Where the machine allows no such mount the
  /// test records that as a known issue, and this is nil.
  func run(_ program: BuiltProduct, _ arguments: [String]) throws -> Run? {
    let listing = try TemporaryDirectory()
    let script = """
      exec unshare \(try Self.unshareOptions() ?? "--mount") sh -c '
        options=$1 folder=$2 listing=$3
        shift 3
        mount -t tmpfs -o "$options" none "$folder" || exit 99
        "$0" "$@"
        code=$?
        cd "$folder" && find . -mindepth 1 -type d -printf "%P/\\n" -o -printf "%P\\n" >"$listing"
        exit $code' "$0" "$@"
      """
    guard try Self.unshareOptions() != nil else {
      withKnownIssue("this machine allows no private mounts: not tested here") {
        Issue.record("unshare and mount are not permitted")
      }
      return nil
    }
    let outcome = try program.runInShell(
      script, [options, path, listing.file("left")] + arguments)
    return Run(
      outcome: outcome,
      left: try text(of: listing.file("left")).split(separator: "\n").map(String.init).sorted())
  }

  /// What makes `unshare` give a namespace in which mounting is allowed; nil when nothing does.
  private static func unshareOptions() throws -> String? {
    for options in ["--mount", "--mount --map-root-user"] {
      let trial = try BuiltProduct.cairn.runInShell(
        "unshare \(options) mount -t tmpfs none /mnt")
      if trial.exitCode == 0 { return options }
    }
    return nil
  }
}
