public import Checkpoints
import KerasConfiguration
import Tensors

/// A checkpoint as a short text whose lines git compares: what `git diff` shows of it.
///
/// Equal checkpoints give equal texts, a tensor that changed changes one line; neither the name of the file
/// nor anything else outside of it plays a part.
public struct GitSummary {
  /// The lines.
  public let lines: [String]

  /// Reads every tensor once.
  public init(_ reader: borrowing CheckpointReader) throws(CheckpointError) {
    let manifest = reader.manifest
    var lines = ["\(manifest.layout.rawValue) of \(manifest.dialect.rawValue)"]
    if let version = manifest.kerasVersion { lines.append("keras \(version)") }
    if let optimizer = manifest.optimizer {
      lines.append("optimizer \(optimizer.className ?? "unknown")")
      if let iterations = optimizer.iterations { lines.append("  iterations \(iterations)") }
      if let rate = optimizer.learningRate {
        lines.append("  learning rate \(Readable.number(rate))")
      }
      for pair in optimizer.entry.map({ ($0.inner ?? $0).configuration.pairs }) ?? [] {
        lines.append("  \(pair.key) = \(pair.value.text)")
      }
    }
    lines.append("\(manifest.entries.count) tensors")
    for entry in manifest.entries {
      let type = entry.dtype?.rawValue ?? entry.storedType
      let shape = entry.shape.dimensions.map(String.init).joined(separator: "x")
      // No tensor holds a text; what it is cannot change otherwise.
      let digest = entry.dtype == nil ? "" : try String(reader.sha256(of: entry).prefix(16))
      lines.append("  \(entry.name) \(type)[\(shape)] \(digest)")
    }
    self.lines = lines.map(\.withoutControlCharacters)
  }

  /// What stands in for a file that is no checkpoint, so that git can go on: its size and why.
  public static func standIn(byteCount: Int, digest: String, _ error: CheckpointError) -> [String] {
    ["no checkpoint: \(error.problem)", "\(byteCount) bytes, \(digest)"].map(
      \.withoutControlCharacters)
  }
}
