import ArgumentParser
import Checkpoints

/// The checkpoints that a command reads: files, folders, pipes, and `-` for standard input.
///
/// A class, because what is taken from pipes must stay as long as the command runs.
final class InputFiles {
  private var files: [InputFile] = []

  /// A checkpoint as it is named on the command line.
  ///
  /// - Throws: what ``InputFile`` throws.
  func file(_ argument: String) throws(CheckpointError) -> InputFile {
    // A pipe can be read once, whoever asks.
    if let known = files.first(where: { $0.argument == argument }) { return known }
    let file = try InputFile(argument)
    files.append(file)
    return file
  }

  /// Opens one; errors and reports have its name.
  func open(
    _ argument: String, verifying: Bool
  ) throws(CheckpointError) -> CheckpointReader {
    let file = try file(argument)
    return try opening(file) { () throws(CheckpointError) in
      try CheckpointReader(opening: file.path, named: file.name, verifying: verifying)
    }
  }

  /// Opens one whose names and ties another may tell.
  func open(
    _ argument: String, architectureFrom other: borrowing CheckpointReader, verifying: Bool
  ) throws(CheckpointError) -> CheckpointReader {
    let file = try file(argument)
    return try opening(file) { () throws(CheckpointError) in
      try CheckpointReader(
        opening: file.path, named: file.name, architectureFrom: other, verifying: verifying)
    }
  }

  /// A compressed archive is inflated when it is opened, which takes a while.
  private func opening(
    _ file: InputFile, _ open: () throws(CheckpointError) -> CheckpointReader
  ) throws(CheckpointError) -> CheckpointReader {
    try ProgressLine.showing(
      "opening \(file.name)", byteCount: CheckpointReader.fileByteCount(of: file.path), open)
  }

  /// An error with names that people know.
  func naming(_ error: CheckpointError) -> CheckpointError {
    files.reduce(error) { $0.naming($1.path, $1.name) }
  }

  /// Throws where standard input is asked for more than once.
  static func validate(_ arguments: String...) throws {
    guard arguments.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("standard input is one file: only one of them can be -")
    }
  }
}
