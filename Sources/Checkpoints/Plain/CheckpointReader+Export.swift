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
      switch format {
      case .safetensors: try writeSafetensors(metadata, to: file)
      case .npz: try writeNumPy(metadata, to: file)
      }
      try pending.commit(replacing: replacing)
    } catch {
      throw CheckpointError.saving(output, error)
    }
    return manifest.resumption == nil
      ? [] : ["the record of the run, from which it could be resumed"]
  }

  private func writeSafetensors(_ metadata: PlainMetadata, to file: borrowing SequentialFile) throws
  {
    // Wider elements first, so that each tensor is aligned to its elements.
    let entries = manifest.entries.sorted { $0.dtype!.byteCount > $1.dtype!.byteCount }
    var header = JSONObject([(Safetensors.metadataKey, metadata.json)])
    var offset = 0
    for entry in entries {
      let end = offset + entry.tensorByteCount
      header.append(
        entry.name,
        [
          "dtype": .string(Safetensors.name(of: entry.dtype!)),
          "shape": .array(entry.shape.dimensions.map { JSONValue($0) }),
          "data_offsets": [JSONValue(offset), JSONValue(end)],
        ])
      offset = end
    }
    var text = Array(JSONValue.object(header).text.utf8)
    text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
    guard text.count <= Safetensors.headerByteCountLimit else {
      throw CheckpointError(
        .unsupported, "cannot export", path: path,
        object: "header",
        expected: "at most \(Safetensors.headerByteCountLimit) bytes of names and configurations",
        found: "\(text.count)", cure: "export to .npz")
    }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    var position = 0
    try file.write(length + text, at: &position)
    for entry in entries { try write(entry, to: file, at: &position) }
  }

  private func writeNumPy(_ metadata: PlainMetadata, to file: borrowing SequentialFile) throws {
    var archive = ZipWriter()
    for entry in manifest.entries {
      let header = NumPyHeader.bytes(
        entry.shape, descriptor: NumPyHeader.descriptor(of: entry.dtype!))
      try archive.add(
        entry.name + NumPyArchive.suffix, byteCount: header.count + entry.tensorByteCount, to: file
      ) { position, checksum throws in
        try file.write(header, at: &position, &checksum)
        try write(entry, to: file, at: &position, &checksum)
      }
    }
    let scalars = Array(metadata.json.text.unicodeScalars)
    let text = scalars.flatMap { scalar in
      withUnsafeBytes(of: scalar.value.littleEndian) { Array($0) }
    }
    let header = NumPyHeader.bytes([], descriptor: "<U\(scalars.count)")
    try archive.add(
      NumPyArchive.metadataName + NumPyArchive.suffix, byteCount: header.count + text.count,
      to: file
    ) { position, checksum throws in
      try file.write(header + text, at: &position, &checksum)
    }
    try archive.finish(file)
  }

  private func write(
    _ entry: CheckpointEntry, to file: borrowing SequentialFile, at position: inout Int
  ) throws {
    var checksum: UInt32 = 0
    try write(entry, to: file, at: &position, &checksum)
  }

  private func write(
    _ entry: CheckpointEntry, to file: borrowing SequentialFile, at position: inout Int,
    _ checksum: inout UInt32
  ) throws {
    var check = try check(of: entry)
    for rows in entry.slabs(ofAtMost: 4 << 20) where entry.tensorByteCount > 0 {
      let tensor = try readUnverified(entry, rows: rows)
      try check.update(tensor)
      try tensor.withUnsafeBytes { bytes throws in
        try file.write(bytes, at: &position, &checksum)
      }
    }
  }
}

extension CheckpointEntry {
  /// Bytes of the elements in memory.
  fileprivate var tensorByteCount: Int { shape.elementCount * dtype!.byteCount }
}
