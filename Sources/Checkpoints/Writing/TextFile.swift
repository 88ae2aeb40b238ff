/// A file of text that comes into being whole, or not at all.
package enum TextFile {
  /// - Throws: `outputExists`, `unwritable`.
  package static func write(
    _ text: String, to path: String, replacing: Bool
  ) throws(CheckpointError) {
    do {
      let pending = PendingFile(for: path)
      let file = try SequentialFile(creating: pending.temporaryPath)
      var position = 0
      try file.write(Array(text.utf8), at: &position)
      try pending.commit(replacing: replacing)
    } catch {
      throw CheckpointError.saving(path, error)
    }
  }
}
