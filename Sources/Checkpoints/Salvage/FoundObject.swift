import KerasConfiguration
import Tensors

/// A group or dataset as a walk through a damaged file finds it.
struct FoundObject: Sendable {
  /// Absolute; `/` is the root.
  let path: String
  var kind: Kind
  var attributes: [(name: String, value: AttributeValue)] = []
  /// Attributes that cannot be read, or that no plan of a file can hold, and why.
  var lostAttributes: [(name: String, reason: String)] = []

  enum Kind: Sendable {
    case group
    case dataset(FoundDataset)
    /// Why nothing is known about it.
    case unreadable(String)
  }

  var dataset: FoundDataset? {
    if case .dataset(let dataset) = kind { dataset } else { nil }
  }
}

/// A dataset whose elements could be read.
struct FoundDataset: Sendable, Hashable {
  let shape: Shape
  let dtype: DType
  /// Where its elements begin in the content; nil where they do not lie there as they are in memory.
  let offset: Int?
  /// Under which number its elements were put aside, where they do not.
  let spoolNumber: Int?
  let signs: TensorSigns

  var byteCount: Int { shape.elementCount * dtype.byteCount }
}

// MARK: - As a line of JSON, from the process that walks to the one that asked

extension FoundObject {
  var json: JSONValue {
    var object: JSONObject = ["path": .string(path)]
    switch kind {
    case .group: object.append("kind", "group")
    case .unreadable(let reason): object.append("unreadable", .string(reason))
    case .dataset(let dataset):
      object.append("shape", .array(dataset.shape.dimensions.map { JSONValue($0) }))
      object.append("dtype", .string(dataset.dtype.rawValue))
      object.append("offset", JSONValue(dataset.offset))
      object.append("spool", JSONValue(dataset.spoolNumber))
      object.append("signs", dataset.signs.json)
    }
    object.append(
      "attributes", .array(attributes.map { [.string($0.name), $0.value.json] }))
    object.append(
      "lost", .array(lostAttributes.map { [.string($0.name), .string($0.reason)] }))
    return .object(object)
  }

  /// Nil for a line that describes no object.
  init?(json: JSONValue) {
    guard let path = json["path"]?.string else { return nil }
    self.path = path
    if let reason = json["unreadable"]?.string {
      kind = .unreadable(reason)
    } else if let dimensions = json["shape"]?.array {
      guard let dtype = json["dtype"]?.string.flatMap(DType.init),
        let shape = Shape(validating: dimensions.compactMap(\.int)),
        shape.rank == dimensions.count, let signs = json["signs"].flatMap(TensorSigns.init)
      else { return nil }
      kind = .dataset(
        FoundDataset(
          shape: shape, dtype: dtype, offset: json["offset"]?.int,
          spoolNumber: json["spool"]?.int, signs: signs))
    } else {
      kind = .group
    }
    for pair in json["attributes"]?.array ?? [] {
      guard let pair = pair.array, pair.count == 2, let name = pair[0].string,
        let value = AttributeValue(json: pair[1])
      else { return nil }
      attributes.append((name, value))
    }
    for pair in json["lost"]?.array ?? [] {
      guard let pair = pair.array, pair.count == 2, let name = pair[0].string,
        let reason = pair[1].string
      else { return nil }
      lostAttributes.append((name, reason))
    }
  }
}

extension AttributeValue {
  fileprivate var json: JSONValue {
    switch self {
    case .ascii(let text): ["ascii": .string(text)]
    case .utf8(let text): ["utf8": .string(text)]
    case .asciiList(let texts): ["list": .array(texts.map { .string($0) })]
    case .fixedList(let texts, let width):
      ["list": .array(texts.map { .string($0) }), "width": JSONValue(width)]
    case .emptyList: ["empty": true]
    case .integer(let value): ["integer": JSONValue(Int(value))]
    }
  }

  fileprivate init?(json: JSONValue) {
    if let text = json["ascii"]?.string {
      self = .ascii(text)
    } else if let text = json["utf8"]?.string {
      self = .utf8(text)
    } else if let list = json["list"]?.array {
      let texts = list.compactMap(\.string)
      guard texts.count == list.count else { return nil }
      self = json["width"]?.int.map { .fixedList(texts, width: $0) } ?? .asciiList(texts)
    } else if let value = json["integer"]?.int {
      self = .integer(Int64(value))
    } else if json["empty"]?.bool == true {
      self = .emptyList
    } else {
      return nil
    }
  }
}
