import Foundation

/// Files that tests only read.
public enum Fixture {
  /// The absolute path of a file below `Fixtures/`.
  public static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name)").path
  }
}
