import KerasConfiguration
import Tensors

extension PlainMetadata {
  /// The roles in the metadata of a file of plain tensors that may be damaged, by tensor; nil for metadata of
  /// others.
  static func roles(in json: JSONValue) -> JSONObject? {
    guard let text = json["tensors"]?.string else { return nil }
    return (try? JSONValue(parsing: text))?.object
  }

  /// The metadata of a file that has only some of the tensors. A slot of which the owner is gone has the role of
  /// optimizer state of which nobody knows the owner.
  static func restricted(_ json: JSONValue, to names: Set<String>) -> JSONValue {
    guard var object = json.object, let roles = roles(in: json) else { return json }
    let kept = roles.pairs.filter { names.contains($0.key) }.map { pair in
      let owner = pair.value["role"]?.string == "slot" ? pair.value["owner"]?.string : nil
      guard let owner, !names.contains(owner) else { return (pair.key, pair.value) }
      var role: JSONObject = ["role": "untied"]
      if let dtype = pair.value["dtype"] { role.append("dtype", dtype) }
      return (pair.key, JSONValue.object(role))
    }
    object["tensors"] = .string(JSONValue.object(JSONObject(kept)).text)
    return .object(object)
  }
}

extension Examination {
  /// Tensors that the metadata of a file of plain tensors has, and the file has no more: in an archive that was
  /// cut short, those behind the cut. A slot has the shape of its owner.
  var lostByMetadata: [TensorFinding] {
    guard let roles = plainMetadata.flatMap(PlainMetadata.roles) else { return [] }
    let found = Dictionary(
      findings.map { ($0.datasetPath, $0) }, uniquingKeysWith: { first, _ in first })
    return roles.pairs.filter { found[$0.key] == nil }.map { pair in
      let dtype = pair.value["dtype"]?.string.flatMap { DType(rawValue: $0) }
      let shape = pair.value["owner"]?.string.flatMap { found[$0]?.shape }
      let byteCount = shape.flatMap { shape in dtype.map { shape.elementCount * $0.byteCount } }
      return TensorFinding(
        name: pair.key, datasetPath: pair.key, verdict: .missing,
        reason: "the file tells of it, and does not have it", shape: shape, dtype: dtype,
        byteCount: byteCount, place: nil)
    }
  }
}
