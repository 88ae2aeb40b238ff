public import Checkpoints
public import KerasConfiguration
import Tensors

/// Numbers of a tensor: what `checkpoint-inspect show FILE 'dense/kernel[0:4, :]'` prints.
public struct NumbersReport: Report, Sendable {
  public let path: String
  public let entry: CheckpointEntry
  public let reference: TensorReference
  /// The selected elements; of an axis that is abbreviated, the first and last places only.
  let selection: Tensor
  /// The shape of the whole selection.
  let shape: Shape
  /// By axis of the result: after how many places some are left out; nil where none are.
  let gaps: [Int?]

  /// Selections of more elements are abbreviated, as NumPy does.
  public static let maximumElementCount = 1000
  /// Of an axis that is abbreviated, so many places are shown at each end.
  static let edgeCount = 3

  /// - Parameter isWhole: whether all elements are shown, however many.
  /// - Throws: `refused` when there is no such tensor, or the slice does not fit it; `unsupported` if it
  ///   holds no numbers; what reading throws.
  public init(
    _ reader: borrowing CheckpointReader, _ reference: TensorReference, isWhole: Bool = false
  ) throws(CheckpointError) {
    path = reader.path
    self.reference = reference
    entry = try reader.entry(reference.name)
    let dtype = try entry.requireDType(path: path)
    var places: [TensorSlice.Places]
    do throws(TensorSlice.Misfit) {
      places = try reference.slice.places(in: entry.shape)
    } catch {
      throw CheckpointError(
        .refused, "cannot show", path: path, object: "\(entry.name)[\(reference.slice.text)]",
        problem: error.problem, cure: "its shape is \(entry.shape)")
    }
    shape = Shape(places.filter(\.isKept).map(\.count))
    let isAbbreviated = !isWhole && shape.elementCount > Self.maximumElementCount
    var wanted: [[Int]] = []
    var gaps: [Int?] = []
    for axis in places {
      let isLong = isAbbreviated && axis.isKept && axis.count > 2 * Self.edgeCount
      let indices =
        isLong
        ? Array(0..<Self.edgeCount) + Array(axis.count - Self.edgeCount..<axis.count)
        : Array(0..<axis.count)
      wanted.append(indices.map { axis($0) })
      if axis.isKept { gaps.append(isLong ? Self.edgeCount : nil) }
    }
    self.gaps = gaps
    let shown = zip(places, wanted).filter { $0.0.isKept }.map { $0.1.count }
    selection = try reader.read(entry, places: wanted, dtype).reshaped(to: Shape(shown))
  }
}

extension CheckpointReader {
  /// The tensor of a name, or of a path in the file.
  fileprivate borrowing func entry(_ name: String) throws(CheckpointError) -> CheckpointEntry {
    let entries = manifest.entries
    let found = entries.filter { $0.name == name }
    if found.count == 1 { return found[0] }
    if let entry = entries.first(where: { $0.datasetPath == name }) { return entry }
    throw CheckpointError(
      .refused, "cannot show", path: path, object: name,
      problem: found.isEmpty
        ? "no tensor has this name" : "\(found.count) tensors have this name",
      cure: found.isEmpty
        ? name.contains("[") && !name.contains("]")
          ? "close the bracket of the slice with ]"
          : Suggestion.nearest(to: name, among: entries.map(\.name)).map { "did you mean '\($0)'?" }
            ?? "checkpoint-inspect show lists the names"
        : "give its path in the file: " + found.map(\.datasetPath).joined(separator: " or "))
  }

  /// The elements at some places along each axis; reads no more rows than these.
  fileprivate borrowing func read(
    _ entry: CheckpointEntry, places: [[Int]], _ dtype: DType
  ) throws(CheckpointError) -> Tensor {
    let size = dtype.byteCount
    let count = places.reduce(1) { $0 * $1.count }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * size)
    guard let rows = places.first else {
      return try read(entry)
    }
    let offsets = Self.offsets(of: Array(places.dropFirst()), in: entry.shape.row)
    if count > 0 {
      let rowByteCount = entry.shape.row.elementCount * size
      // Runs of neighbouring rows are read at once, a few MB at a time.
      let limit = max(1, (4 << 20) / max(1, rowByteCount))
      var next = 0
      while next < rows.count {
        var end = next + 1
        while end < rows.count, end - next < limit, rows[end] == rows[end - 1] + 1 { end += 1 }
        let slab = try read(entry, rows: rows[next]..<rows[end - 1] + 1)
        slab.withUnsafeBytes { slab in
          for row in 0..<end - next {
            for offset in offsets {
              let start = row * rowByteCount + offset * size
              bytes += slab[start..<start + size]
            }
          }
        }
        next = end
      }
    }
    return Tensor(shape: [count], dtype: dtype) { $0.copyBytes(from: bytes) }
  }

  /// Where the elements at some places along each axis stand in a tensor, row-major.
  private static func offsets(of places: [[Int]], in shape: Shape) -> [Int] {
    var offsets = [0]
    for (axis, places) in places.enumerated() {
      offsets = offsets.flatMap { offset in places.map { offset * shape[axis] + $0 } }
    }
    return offsets
  }
}

// MARK: - Output

extension NumbersReport {
  /// As `Schemas/numbers.json` describes.
  public var json: JSONValue {
    [
      "schemaVersion": JSONValue(ReportSchema.version), "path": .string(path),
      "name": .string(entry.name), "slice": .string(reference.slice.text),
      "dtype": .string(entry.storedType),
      "tensorShape": .array(entry.shape.dimensions.map { JSONValue($0) }),
      "shape": .array(shape.dimensions.map { JSONValue($0) }),
      "isAbbreviated": .bool(gaps.contains { $0 != nil }),
      "values": nested(numbers.map(\.json)),
    ]
  }

  private func nested(_ values: [JSONValue]) -> JSONValue {
    var values = values
    for extent in selection.shape.dimensions.dropFirst().reversed() {
      let count = values.count / max(1, extent)
      values = (0..<count).map { .array(Array(values[$0 * extent..<($0 + 1) * extent])) }
    }
    return selection.shape.rank == 0 ? values[0] : .array(values)
  }

  /// A row for each number, with its place in the tensor's selection.
  public var records: RecordTable {
    var table = RecordTable(columns: ["name", "index", "value"])
    let extents = selection.shape.dimensions
    for (position, number) in numbers.enumerated() {
      var rest = position
      var index = [Int](repeating: 0, count: extents.count)
      for axis in extents.indices.reversed() {
        index[axis] = rest % extents[axis]
        rest /= extents[axis]
        if let gap = gaps[axis], index[axis] >= gap {
          index[axis] += shape[axis] - extents[axis]
        }
      }
      table.add([.string(entry.name), .array(index.map { JSONValue($0) }), number.json])
    }
    return table
  }

  private var numbers: [ShownNumber] {
    var numbers: [ShownNumber] = []
    func collect<Element: TensorElement>(_: Element.Type) {
      numbers = selection.elements(of: Element.self).map { ShownNumber($0) }
    }
    selection.dtype.withElementType { collect($0) }
    return numbers
  }

  public var text: [StyledText] {
    let brackets = reference.slice.text.isEmpty ? "" : "[\(reference.slice.text)]"
    let whole = shape == entry.shape ? "" : " of \(entry.shape)"
    let title =
      "\(entry.name)\(brackets)".styled(.heading)
      + StyledText(": \(entry.storedType) \(shape)\(whole)")
    return [title] + ArrayText(numbers, selection.shape, gaps: gaps).lines.map { StyledText($0) }
      + (gaps.contains { $0 != nil }
        ? ["--all shows all \(Readable.count(shape.elementCount)) numbers".styled(.quiet)] : [])
  }
}
