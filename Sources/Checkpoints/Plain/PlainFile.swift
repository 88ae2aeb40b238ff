import KerasConfiguration
import Tensors

/// A file of plain tensors that is to be written.
struct PlainFile {
  var format: ExportFormat
  /// In the file's order.
  var tensors: [(name: String, shape: Shape, dtype: DType)]
  /// An object of texts, for safetensors' own `__metadata__` or the array of that name; nil for none.
  var metadata: JSONValue?

  /// Takes pieces of a tensor's little-endian bytes, one after the other.
  typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  /// - Parameters:
  ///   - path: of the checkpoint that it is made of, for errors.
  ///   - elements: gives the elements of the tensor of a number, in pieces.
  /// - Throws: `unsupported` for more names and texts than a header holds; what writing and `elements` throw.
  func write(
    to file: borrowing SequentialFile, for path: String,
    _ elements: (_ number: Int, Sink) throws -> Void
  ) throws {
    switch format {
    case .safetensors: try writeSafetensors(to: file, for: path, elements)
    case .npz: try writeNumPy(to: file, elements)
    }
  }

  private func writeSafetensors(
    to file: borrowing SequentialFile, for path: String,
    _ elements: (_ number: Int, Sink) throws -> Void
  ) throws {
    // Wider elements first, so that each tensor is aligned to its elements.
    let order = tensors.indices.sorted { a, b in
      let (x, y) = (tensors[a].dtype.byteCount, tensors[b].dtype.byteCount)
      return x != y ? x > y : a < b
    }
    var header = JSONObject(metadata.map { [(Safetensors.metadataKey, $0)] } ?? [])
    var offset = 0
    for (name, shape, dtype) in order.map({ tensors[$0] }) {
      let end = offset + shape.elementCount * dtype.byteCount
      header.append(
        name,
        [
          "dtype": .string(Safetensors.name(of: dtype)),
          "shape": .array(shape.dimensions.map { JSONValue($0) }),
          "data_offsets": [JSONValue(offset), JSONValue(end)],
        ])
      offset = end
    }
    var text = Array(JSONValue.object(header).text.utf8)
    text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
    guard text.count <= Safetensors.headerByteCountLimit else {
      throw CheckpointError(
        .unsupported, "cannot export", path: path, object: "header",
        expected: "at most \(Safetensors.headerByteCountLimit) bytes of names and configurations",
        found: "\(text.count)", cure: "export to .npz")
    }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    var position = 0
    var checksum: UInt32 = 0
    try file.write(length + text, at: &position)
    for number in order {
      try elements(number) { try file.write($0, at: &position, &checksum) }
    }
  }

  private func writeNumPy(
    to file: borrowing SequentialFile, _ elements: (_ number: Int, Sink) throws -> Void
  ) throws {
    var archive = ZipWriter()
    // First, so that what is left of a file that is cut short tells what its tensors are.
    if let metadata { try add(metadata, to: &archive, file) }
    for (number, tensor) in tensors.enumerated() {
      let header = NumPyHeader.bytes(
        tensor.shape, descriptor: NumPyHeader.descriptor(of: tensor.dtype))
      let byteCount = tensor.shape.elementCount * tensor.dtype.byteCount
      try archive.add(
        tensor.name + NumPyArchive.suffix, byteCount: header.count + byteCount, to: file
      ) { position, checksum throws in
        try file.write(header, at: &position, &checksum)
        try elements(number) { try file.write($0, at: &position, &checksum) }
      }
    }
    try archive.finish(file)
  }

  private func add(
    _ metadata: JSONValue, to archive: inout ZipWriter, _ file: borrowing SequentialFile
  ) throws {
    let scalars = Array(metadata.text.unicodeScalars)
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
  }
}
