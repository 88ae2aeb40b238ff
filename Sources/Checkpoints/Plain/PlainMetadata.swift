import KerasConfiguration
import Tensors

/// What a file of plain tensors says beyond names, types and shapes, when Cairn exported it.
///
/// | key | content |
/// |---|---|
/// | `format` | `cairn` |
/// | `format_version` | `1` |
/// | `tensors` | JSON: for each name its `role` (`weight`, `slot`, `iteration`, `learningRate`,
/// `lossScale`, `untied`, `other`) and `dtype`; for a weight `layer`, a list of names from the outermost in, and its `index` there; for a slot `slot` and `owner` |
/// | `dialect`, `keras_version` | of the file that was exported |
/// | `arithmetic` | which generation's formulas the optimizer state belongs to |
/// | `optimizer` | the optimizer's class |
/// | `scales_loss` | `true` where another optimizer scales the loss around it |
/// | `model_config`, `training_config` | JSON, as whole-model files have them |
/// | `model_config_dialect`, `training_config_dialect` | in whose spelling these are |
///
/// In safetensors these are the texts of `__metadata__`; in `.npz` the array `__metadata__` is the text
/// of one JSON object of them.
struct PlainMetadata {
  static let formatVersion = "1"

  var texts: [(key: String, value: String)]

  subscript(key: String) -> String? { texts.first { $0.key == key }?.value }

  /// From the object in a safetensors header; nil for metadata of others.
  ///
  /// - Throws: `unreadable` unless its values are texts, `unsupported` for a later version.
  init?(texts json: JSONValue, path: String) throws {
    guard let object = json.object else { throw Self.damaged(path, "an object", json.text) }
    texts = []
    for pair in object.pairs {
      guard let text = pair.value.string else {
        throw Self.damaged(path, "a text for \(pair.key)", pair.value.text)
      }
      texts.append((pair.key, text))
    }
    guard self["format"] == "cairn" else { return nil }
    guard self["format_version"] == Self.formatVersion else {
      throw CheckpointError(
        .unsupported, "cannot read", path: path, object: "format_version",
        problem:
          "expected version \(Self.formatVersion), found \(self["format_version"] ?? "none")",
        cure: "a later Cairn wrote it: read it with that one")
    }
  }

  /// From the text in a `.npz`.
  init?(parsing text: String, path: String) throws {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw Self.damaged(path, "JSON", error.description)
    }
    try self.init(texts: json, path: path)
  }

  var json: JSONValue { .object(JSONObject(texts.map { ($0.key, JSONValue.string($0.value)) })) }

  static func damaged(
    _ path: String, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot read", path: path, object: "__metadata__", expected: expected,
      found: found)
  }
}

// MARK: - Writing

extension PlainMetadata {
  /// What a checkpoint file says of itself.
  init(of manifest: CheckpointManifest) throws {
    texts = [
      ("format", "cairn"), ("format_version", Self.formatVersion),
      ("dialect", manifest.dialect.rawValue),
    ]
    if let version = manifest.kerasVersion { texts.append(("keras_version", version)) }
    if let optimizer = manifest.optimizer {
      if let className = optimizer.className { texts.append(("optimizer", className)) }
      if optimizer.scalesLoss { texts.append(("scales_loss", "true")) }
      if let arithmetic = optimizer.arithmetic {
        texts.append(("arithmetic", arithmetic.rawValue))
      }
    }
    if let model = manifest.model {
      texts.append(("model_config", model.json.text))
      texts.append(("model_config_dialect", model.dialect.rawValue))
    }
    if let training = manifest.training {
      let json = try training.json(for: training.dialect, in: training.container())
      texts.append(("training_config", json.text))
      texts.append(("training_config_dialect", training.dialect.rawValue))
    }
    let roles = manifest.entries.map { ($0.name, JSONValue.object($0.roleJSON)) }
    texts.append(("tensors", JSONValue.object(JSONObject(roles)).text))
  }
}

extension OptimizerSummary {
  /// Whose formulas: as recorded, else as the configuration's generation implies.
  fileprivate var arithmetic: Arithmetic? {
    if let recordedArithmetic { return recordedArithmetic }
    guard let entry else { return nil }
    if entry.isLegacyClass { return .kerasLegacy }
    return entry.dialect == .keras3 ? .keras3 : .keras2
  }
}

extension CheckpointEntry {
  fileprivate var roleJSON: JSONObject {
    var object = JSONObject()
    switch role {
    case .weight(let id):
      object.append("role", "weight")
      object.append("layer", .array(id.layer.names.map { .string($0) }))
      object.append("index", JSONValue(id.index))
    case .slot(let slot, _, let ownerName):
      object.append("role", "slot")
      object.append("slot", .string(slot))
      object.append("owner", .string(ownerName))
    case .iteration: object.append("role", "iteration")
    case .learningRate: object.append("role", "learningRate")
    case .lossScale: object.append("role", "lossScale")
    case .untied: object.append("role", "untied")
    case .other: object.append("role", "other")
    }
    if let dtype { object.append("dtype", .string(dtype.rawValue)) }
    return object
  }
}
