/// The lines of a `.gitattributes` file by which git shows checkpoints through `checkpoint-inspect`.
public enum GitAttributes {
  /// The name of the driver in git's configuration: `diff.checkpoint.textconv`.
  public static let driver = "checkpoint"

  /// Files of checkpoints, as Keras names them.
  public static let patterns = ["*.h5", "*.weights.h5", "*.keras"]

  static var lines: [String] { patterns.map { "\($0) diff=\(driver)" } }

  /// The file with the lines that it lacks, at its end.
  public static func adding(to text: String) -> String {
    let there = Set(text.split(separator: "\n").map(String.init))
    let missing = lines.filter { !there.contains($0) }
    guard !missing.isEmpty else { return text }
    let end = text.isEmpty || text.hasSuffix("\n") ? "" : "\n"
    return text + end + missing.map { "\($0)\n" }.joined()
  }

  /// The file without these lines; everything else stays as it is.
  public static func removing(from text: String) -> String {
    let ours = Set(lines)
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !ours.contains(String($0)) }.joined(separator: "\n")
  }
}
