import Tensors

/// An open file of plain tensors: safetensors or `.npz`.
///
/// A class since readers share it; not `Sendable`, like every open file here.
final class PlainTensors {
  /// A tensor as the file describes it.
  struct Item {
    let name: String
    let shape: Shape
    /// Nil for a type that no tensor has.
    let dtype: DType?
    /// The type in the file's own words.
    let storedType: String
    let place: Place
    var isBigEndian = false
    /// First axis fastest, as Fortran and Matlab store arrays.
    var isColumnMajor = false

    var isPlainInMemory: Bool { !isBigEndian && (!isColumnMajor || shape.rank < 2) }
  }

  enum Place {
    /// Bytes of the file, in range.
    case file(Range<Int>)
    /// Bytes of the content of a compressed member.
    case member(ZipArchive.Member, Range<Int>)
  }

  let path: String
  let layout: Format
  let items: [String: Item]
  /// The names in the file's order.
  let names: [String]
  let metadata: PlainMetadata?
  let file: ReadableFile
  private let archive: ZipArchive?
  private var inflated: (name: String, content: [UInt8])?

  enum Format { case safetensors, npz }

  init(
    path: String, layout: Format, items: [Item], metadata: PlainMetadata?,
    file: consuming ReadableFile, archive: ZipArchive? = nil
  ) {
    self.path = path
    self.layout = layout
    names = items.map(\.name)
    self.items = Dictionary(items.map { ($0.name, $0) }) { first, _ in first }
    self.metadata = metadata
    self.file = file
    self.archive = archive
  }
}

// MARK: - Reading

extension PlainTensors {
  /// Some rows of a tensor; nil for all of it.
  func read(_ entry: CheckpointEntry, rows: Range<Int>?) throws -> Tensor {
    let item = items[entry.datasetPath]!
    let dtype = try entry.requireDType(path: path)
    if !item.isPlainInMemory {
      let whole = try converted(item, dtype)
      guard let rows, item.shape.rank > 0 else { return whole }
      return slice(whole, rows)
    }
    var shape = item.shape
    var range = 0..<shape.elementCount * dtype.byteCount
    if let rows, shape.rank > 0 {
      let rowByteCount = shape.row.elementCount * dtype.byteCount
      shape = Shape([rows.count] + shape.dimensions.dropFirst())
      range = rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount
    }
    let content = try bytes(of: item, range)
    return Tensor(shape: shape, dtype: dtype) { $0.copyBytes(from: content) }
  }

  private func slice(_ tensor: Tensor, _ rows: Range<Int>) -> Tensor {
    let rowByteCount = tensor.shape.row.elementCount * tensor.dtype.byteCount
    let range = rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount
    let shape = Shape([rows.count] + tensor.shape.dimensions.dropFirst())
    return tensor.withUnsafeBytes { source in
      Tensor(shape: shape, dtype: tensor.dtype) {
        $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
    }
  }

  /// A tensor that lies in the file in another order of bytes or axes.
  private func converted(_ item: Item, _ dtype: DType) throws -> Tensor {
    item.tensor(
      ofStored: try bytes(of: item, 0..<item.shape.elementCount * dtype.byteCount), dtype)
  }

  private func bytes(of item: Item, _ range: Range<Int>) throws -> [UInt8] {
    switch item.place {
    case .file(let place):
      return try file.read(
        place.lowerBound + range.lowerBound..<place.lowerBound + range.upperBound)
    case .member(let member, let place):
      let content = try content(of: member)
      return Array(
        content[place.lowerBound + range.lowerBound..<place.lowerBound + range.upperBound])
    }
  }

  /// The last member is kept, since its rows are asked for one after the other.
  private func content(of member: ZipArchive.Member) throws -> [UInt8] {
    if let inflated, inflated.name == member.name { return inflated.content }
    let content = try archive!.content(of: member, limit: .max)
    inflated = (member.name, content)
    return content
  }
}

extension PlainTensors.Item {
  /// The tensor of the bytes that the file has of it, all of them, whatever their order.
  func tensor(ofStored stored: [UInt8], _ dtype: DType) -> Tensor {
    guard !isPlainInMemory else {
      return Tensor(shape: shape, dtype: dtype) { $0.copyBytes(from: stored) }
    }
    let size = dtype.byteCount
    let extents = shape.dimensions
    var index = [Int](repeating: 0, count: extents.count)
    return Tensor(shape: shape, dtype: dtype) { bytes in
      for position in 0..<shape.elementCount {
        var source = position
        if isColumnMajor {
          source = 0
          for axis in extents.indices.reversed() { source = source * extents[axis] + index[axis] }
          for axis in extents.indices.reversed() {
            index[axis] += 1
            if index[axis] < extents[axis] { break }
            index[axis] = 0
          }
        }
        for byte in 0..<size {
          let from = isBigEndian ? size - 1 - byte : byte
          bytes[position * size + byte] = stored[source * size + from]
        }
      }
    }
  }

  /// Where the elements lie in the file as they are in memory; nil where they do not.
  var byteOffset: Int? {
    if isPlainInMemory, case .file(let place) = place { place.lowerBound } else { nil }
  }
}

extension CheckpointEntry {
  init(_ item: PlainTensors.Item, name: String, role: Role) {
    let byteCount: Int =
      switch item.place {
      case .file(let range), .member(_, let range): range.count
      }
    self.init(
      name: name, role: role, datasetPath: item.name, shape: item.shape, dtype: item.dtype,
      storedType: item.dtype?.rawValue ?? item.storedType, byteCount: byteCount,
      byteOffset: item.byteOffset)
  }
}
