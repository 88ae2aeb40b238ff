import KerasConfiguration
import Tensors

/// The format of the safetensors library: the length of a JSON header in 8 bytes, the header, and the
/// tensors one after the other, without gaps.
///
/// ```json
/// {"__metadata__": {"key": "text"},
///  "dense/kernel": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}
/// ```
///
/// Source: the format's description in the README of github.com/huggingface/safetensors. Every rule that
/// the library checks is checked here, before anything is allocated.
enum Safetensors {
  static let metadataKey = "__metadata__"
  /// As the library has it.
  static let headerByteCountLimit = 100_000_000

  /// Whether a file of `byteCount` bytes that begins with `head` (at least 9 bytes) is such a file.
  static func isLaidOut(_ head: [UInt8], byteCount: Int) -> Bool {
    guard head.count >= 9, head[8] == UInt8(ascii: "{") else { return false }
    let length = headerByteCount(head)
    return length >= 2 && length <= UInt64(min(headerByteCountLimit, byteCount - 8))
  }

  private static func headerByteCount(_ head: [UInt8]) -> UInt64 {
    head.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static let names: [(DType, String)] = [
    (.float16, "F16"), (.bfloat16, "BF16"), (.float32, "F32"), (.float64, "F64"), (.int8, "I8"),
    (.int16, "I16"), (.int32, "I32"), (.int64, "I64"), (.uint8, "U8"), (.uint16, "U16"),
    (.uint32, "U32"), (.uint64, "U64"), (.bool, "BOOL"),
  ]

  static func name(of dtype: DType) -> String { names.first { $0.0 == dtype }!.1 }

  /// Bytes of types that no tensor of Cairn has.
  private static let otherTypes = ["F8_E4M3": 1, "F8_E5M2": 1]
}

// MARK: - Reading

extension Safetensors {
  /// What stands before the tensors.
  struct Header {
    /// In the header's order; whether their data lie in the file nobody has asked yet.
    var items: [PlainTensors.Item]
    let metadata: JSONValue?
    let byteCount: Int
  }

  /// - Throws: `unreadable` for a header that contradicts itself.
  static func header(of path: String) throws(CheckpointError) -> Header {
    do {
      let file = try ReadableFile(path)
      let head = try file.read(0..<min(9, file.byteCount))
      guard isLaidOut(head, byteCount: file.byteCount) else {
        throw damaged(
          path, "a header that fits into the file", "a file of \(file.byteCount) bytes")
      }
      let dataStart = 8 + Int(headerByteCount(head))
      return try header(file.read(8..<dataStart), dataStart: dataStart, path: path)
    } catch let error as ConfigurationError {
      throw damaged(path, "a header in JSON", error.description)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  private static func header(_ text: [UInt8], dataStart: Int, path: String) throws -> Header {
    guard let object = try JSONValue(parsing: text).object else {
      throw damaged(path, "a JSON object as header", "another value")
    }
    var header = Header(items: [], metadata: object[metadataKey], byteCount: dataStart)
    var seen: Set<String> = []
    for pair in object.pairs {
      guard seen.insert(pair.key).inserted else {
        throw damaged(path, "it once in the header", "it twice", object: pair.key)
      }
      if pair.key != metadataKey {
        header.items.append(try item(pair, dataStart: dataStart, path: path))
      }
    }
    return header
  }

  /// - Throws: `unreadable` for a header that contradicts the file or itself.
  static func open(_ path: String) throws -> PlainTensors {
    let header = try header(of: path)
    let file = try ReadableFile(path)
    let dataStart = header.byteCount
    let metadata = try header.metadata.flatMap { try PlainMetadata(texts: $0, path: path) }
    var items = header.items
    if let item = items.first(where: { start($0).1 > file.byteCount }) {
      throw damaged(path, "its data inside the file", "them outside", object: item.name)
    }
    items.sort { start($0) < start($1) }
    var end = dataStart
    for item in items {
      guard case .file(let place) = item.place, place.lowerBound == end else {
        throw damaged(
          path, "its data at byte \(end - dataStart)", "them elsewhere", object: item.name)
      }
      end = place.upperBound
    }
    guard end == file.byteCount else {
      throw damaged(
        path, "\(end - dataStart) bytes of tensors", "\(file.byteCount - dataStart)")
    }
    return PlainTensors(
      path: path, layout: .safetensors, items: items, metadata: metadata, file: file)
  }

  private static func start(_ item: PlainTensors.Item) -> (Int, Int) {
    guard case .file(let place) = item.place else { return (0, 0) }
    return (place.lowerBound, place.upperBound)
  }

  private static func item(
    _ pair: JSONObject.Pair, dataStart: Int, path: String
  ) throws -> PlainTensors.Item {
    guard let type = pair.value["dtype"]?.string, let extents = pair.value["shape"]?.array,
      let offsets = pair.value["data_offsets"]?.array?.map(\.int), offsets.count == 2,
      let first = offsets[0], let last = offsets[1]
    else { throw damaged(path, "dtype, shape and data_offsets", pair.value.text, object: pair.key) }
    let dtype = names.first { $0.1 == type }?.0
    guard let size = dtype?.byteCount ?? otherTypes[type] else {
      throw damaged(path, "a known dtype", type, object: pair.key)
    }
    let dimensions = extents.compactMap(\.int)
    guard dimensions.count == extents.count, let shape = Shape(validating: dimensions) else {
      throw damaged(
        path, "a shape", JSONValue.array(extents).text, object: pair.key)
    }
    let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(by: size)
    guard first >= 0, first <= last, last <= Int.max - dataStart else {
      throw damaged(path, "its data inside the file", "them outside", object: pair.key)
    }
    guard !overflow, byteCount == last - first else {
      throw damaged(
        path, "the bytes of \(type) of shape \(shape)", "\(last - first)", object: pair.key)
    }
    return PlainTensors.Item(
      name: pair.key, shape: shape, dtype: dtype, storedType: type,
      place: .file(dataStart + first..<dataStart + last))
  }

  private static func damaged(
    _ path: String, _ expected: String, _ found: String, object: String = "header"
  ) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot read", path: path, object: object, expected: expected, found: found)
  }
}
