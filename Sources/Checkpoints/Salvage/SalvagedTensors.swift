import CDeflate
import KerasConfiguration
import Tensors

/// The tensors of a safetensors file or a `.npz` that may be damaged, as far as they can be found.
///
/// Neither format needs libhdf5, so this is done in this process. The members of a `.npz` have checksums; of a
/// safetensors file only the elements can be looked at.
struct SalvagedTensors {
  let piece: SalvageSource.Piece
  private(set) var objects: [FoundObject] = []
  /// By name, whether the checksum of its member matches.
  private(set) var checks: [String: Bool] = [:]
  /// What the file says beside its tensors, in the words in which it stands there.
  private(set) var metadata: JSONValue?
  private(set) var notes: [String] = []
  private let spoolFolder: String
  private var spooledCount = 0

  /// - Parameter other: a whole file of the same tensors, whose header stands in where this one's is lost.
  init(
    _ piece: SalvageSource.Piece, _ format: ExportFormat, spoolFolder: String,
    placesFrom other: String?
  ) throws {
    self.piece = piece
    self.spoolFolder = spoolFolder
    switch format {
    case .safetensors: try readSafetensors(placesFrom: other)
    case .npz: try readNumPy()
    }
  }

  // MARK: - Safetensors

  private mutating func readSafetensors(placesFrom other: String?) throws {
    var header: Safetensors.Header
    do throws(CheckpointError) {
      header = try Safetensors.header(of: piece.path)
    } catch {
      notes.append("the header: \(error.problem)")
      guard let other, let lent = try? Safetensors.header(of: other),
        try ReadableFile(other).byteCount == piece.window.count
      else { return }
      notes.append("places, names and shapes are those of the other file, which has the same size")
      header = lent
    }
    metadata = header.metadata
    for item in header.items {
      guard case .file(let place) = item.place else { continue }
      try add(item, at: place.lowerBound)
    }
  }

  // MARK: - NumPy

  private mutating func readNumPy() throws {
    let archive = try SalvagedArchive(piece.path)
    notes += archive.notes
    for member in archive.members where member.name.hasSuffix(NumPyArchive.suffix) {
      let name = String(member.name.dropLast(NumPyArchive.suffix.count))
      let content = try content(of: member, in: archive)
      guard let header = NumPyHeader(content) else {
        objects.append(
          FoundObject(path: name, kind: .unreadable("the header of the array is damaged")))
        continue
      }
      if name == NumPyArchive.metadataName, header.descriptor.hasPrefix("<U") {
        readMetadata(content[header.byteCount...], isWhole: checks[name] != false)
        checks[name] = nil
        continue
      }
      let item = PlainTensors.Item(
        name: name, shape: header.shape, dtype: header.dtype, storedType: header.descriptor,
        place: .file(0..<0), isBigEndian: header.isBigEndian, isColumnMajor: header.isColumnMajor)
      if member.method == .stored, item.isPlainInMemory {
        try add(item, at: member.data.lowerBound + header.byteCount)
      } else {
        try spool(item, Array(content[header.byteCount...]))
      }
    }
  }

  /// All of a compressed member, the beginning of a stored one; says whether its checksum matches.
  private mutating func content(
    of member: SalvagedArchive.Member, in archive: SalvagedArchive
  ) throws -> [UInt8] {
    let name = String(member.name.dropLast(NumPyArchive.suffix.count))
    let file = try ReadableFile(piece.path)
    guard member.method == .deflated else {
      checks[name] = try archive.matchesChecksum(member)
      let isText = name == NumPyArchive.metadataName
      let end = isText ? member.data.count : min(member.data.count, NumPyHeader.byteCountLimit)
      return try file.read(member.data.lowerBound..<member.data.lowerBound + end)
    }
    // Deflate makes at most 1032 bytes of one.
    let limit = min(member.byteCount ?? .max, 1032 * (member.data.count + 1))
    let content = PartialInflation.inflate(try file.read(member.data), atMost: limit).content
    checks[name] = member.crc32.map { crc32 in
      member.isWhole && content.count == member.byteCount
        && libdeflate_crc32(0, content, content.count) == crc32
    }
    return content
  }

  private mutating func readMetadata(_ bytes: ArraySlice<UInt8>, isWhole: Bool) {
    let text = NumPyArchive.text(ofUTF32: bytes)
    guard isWhole, let json = try? JSONValue(parsing: text) else {
      notes.append("\(NumPyArchive.metadataName), which tells the tensors' roles, is damaged")
      return
    }
    metadata = json
  }

  // MARK: - Elements

  /// A tensor whose elements lie in the file as they are in memory.
  private mutating func add(_ item: PlainTensors.Item, at offset: Int) throws {
    guard let dtype = requireDType(of: item) else { return }
    var signs = TensorSigns()
    let byteCount = item.shape.elementCount * dtype.byteCount
    let file = try ReadableFile(piece.path)
    let end = min(offset + byteCount, file.byteCount)
    for start in stride(from: offset, to: end, by: 1 << 20) {
      let bytes = try file.read(start..<min(start + 1 << 20, end))
      let count = bytes.count / dtype.byteCount
      let tensor = Tensor(shape: [count], dtype: dtype) {
        $0.copyBytes(from: bytes.prefix(count * dtype.byteCount))
      }
      signs.update(tensor, at: start)
    }
    append(item, dtype, offset: offset, spoolNumber: nil, signs)
  }

  /// A tensor whose elements must be unpacked or turned round first.
  private mutating func spool(_ item: PlainTensors.Item, _ stored: [UInt8]) throws {
    guard let dtype = requireDType(of: item) else { return }
    guard stored.count == item.shape.elementCount * dtype.byteCount else {
      // What is missing of it cannot be made up: the checksum says so, too.
      checks[item.name] = false
      append(item, dtype, offset: nil, spoolNumber: nil, TensorSigns())
      return
    }
    let tensor = item.tensor(ofStored: stored, dtype)
    var signs = TensorSigns()
    signs.update(tensor, at: 0)
    let number = spooledCount
    spooledCount += 1
    try tensor.withUnsafeBytes { try FileCopy.create("\(spoolFolder)/\(number)", Array($0)) }
    append(item, dtype, offset: nil, spoolNumber: number, signs)
  }

  private mutating func requireDType(of item: PlainTensors.Item) -> DType? {
    if item.dtype == nil {
      let reason = "elements of type \(item.storedType), which no tensor has"
      objects.append(FoundObject(path: item.name, kind: .unreadable(reason)))
    }
    return item.dtype
  }

  private mutating func append(
    _ item: PlainTensors.Item, _ dtype: DType, offset: Int?, spoolNumber: Int?,
    _ signs: TensorSigns
  ) {
    let dataset = FoundDataset(
      shape: item.shape, dtype: dtype, offset: offset, spoolNumber: spoolNumber, signs: signs)
    objects.append(FoundObject(path: item.name, kind: .dataset(dataset)))
  }
}
