import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A format of tensors that other programs read.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// That of the safetensors library.
  case safetensors
  /// An archive of NumPy arrays, for `numpy.load`.
  case npz

  /// How names of such files end.
  public var fileSuffix: String { ".\(rawValue)" }
}

extension CheckpointReader {
  /// Writes every tensor of the checkpoint, whatever its role, under its canonical name, with roles,
  /// arithmetic and configurations as metadata (`PlainMetadata`). The file can be opened like any
  /// checkpoint, and restored or converted from.
  ///
  /// Tensors keep their dtype and bits; they pass through memory in pieces of 4 MiB. The file comes into
  /// being whole or not at all. NumPy has no bfloat16: in `.npz` such elements are two bytes, `V2`.
  ///
  /// - Returns: what is left out, in words: only a run of Cairn's own has such a thing.
  /// - Throws: `unsupported` for tensors that are no numbers or share a name; `outputExists`, `unwritable`.
  @discardableResult
  public func export(
    to output: String, format: ExportFormat, replacing: Bool = false
  ) throws(CheckpointError) -> [String] {
    var names: Set<String> = []
    for entry in manifest.entries {
      _ = try entry.requireDType(path: path)
      guard names.insert(entry.name).inserted, entry.name != Safetensors.metadataKey else {
        throw CheckpointError(
          .unsupported, "cannot export", path: path, object: entry.datasetPath,
          expected: "a name for each tensor", found: "\(entry.name) for several",
          cure: "convert it to a layout of Keras instead")
      }
    }
    try refuseInput(as: output)
    do {
      let metadata = try PlainMetadata(of: manifest)
      let pending = PendingFile(for: output)
      let file = try SequentialFile(creating: pending.temporaryPath)
      let plain = PlainFile(
        format: format,
        tensors: manifest.entries.map { ($0.name, $0.shape, $0.dtype!) }, metadata: metadata.json)
      try plain.write(to: file, for: path) { number, sink in
        try read(manifest.entries[number], sink)
      }
      try pending.commit(replacing: replacing)
    } catch {
      throw CheckpointError.saving(output, error)
    }
    return manifest.resumption == nil
      ? [] : ["the record of the run, from which it could be resumed"]
  }

  /// Gives the elements of a tensor in pieces, compared with digests.
  private func read(_ entry: CheckpointEntry, _ sink: PlainFile.Sink) throws {
    try source(of: entry).forEachBlock { block in try block.withUnsafeBytes(sink) }
  }
}
