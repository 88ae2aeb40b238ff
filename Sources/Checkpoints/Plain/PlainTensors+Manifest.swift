import KerasConfiguration
import Tensors

extension PlainTensors {
  /// What the file says: by its metadata where Cairn exported it, else by the tensors' names, read as
  /// canonical ones.
  func readManifest() throws -> CheckpointManifest {
    let entries = try metadata.map(recordedEntries) ?? guessedEntries()
    var manifest = CheckpointManifest(
      layout: layout == .npz ? .npz : .safetensors, dialect: .keras3, kerasVersion: nil,
      entries: entries, optimizer: nil, notes: [])
    manifest.isFromCairn = metadata != nil
    if let metadata {
      manifest.dialect = try dialect("dialect", metadata)
      manifest.kerasVersion = metadata["keras_version"]
      if let text = metadata["model_config"] {
        manifest.model = try ModelConfiguration(
          parsing: text, dialect: dialect("model_config_dialect", metadata))
      }
      if let text = metadata["training_config"] {
        manifest.training = try TrainingConfiguration(
          parsing: text, dialect: dialect("training_config_dialect", metadata))
      }
    } else {
      manifest.notes.append("the roles of the tensors are taken from their names")
    }
    manifest.optimizer = try readOptimizer(entries, manifest.training?.optimizer)
    return manifest
  }

  private func dialect(_ key: String, _ metadata: PlainMetadata) throws -> Dialect {
    guard let dialect = metadata[key].flatMap(Dialect.init(rawValue:)) else {
      throw PlainMetadata.damaged(path, key, metadata[key] ?? "none")
    }
    return dialect
  }

  private func readOptimizer(
    _ entries: [CheckpointEntry], _ configured: OptimizerEntry?
  ) throws -> OptimizerSummary? {
    let hasState = entries.contains { entry in
      switch entry.role {
      case .slot, .iteration, .learningRate, .lossScale, .untied: true
      case .weight, .other: false
      }
    }
    guard hasState || configured != nil else { return nil }
    var summary = OptimizerSummary(
      className: configured?.className ?? metadata?["optimizer"], entry: configured,
      iterations: try scalar(of: .iteration, in: entries).map { Int64(clamping: Int($0)) },
      learningRate: try scalar(of: .learningRate, in: entries)
        ?? configured?.constantLearningRate)
    summary.scalesLoss = configured?.inner != nil || metadata?["scales_loss"] == "true"
    if let text = metadata?["arithmetic"] {
      guard let arithmetic = Arithmetic(rawValue: text) else {
        throw PlainMetadata.damaged(
          path, "one of \(Arithmetic.allCases.map(\.rawValue))", text)
      }
      summary.recordedArithmetic = arithmetic
    }
    return summary
  }

  /// A counter is exact up to 2^53.
  private func scalar(
    of role: CheckpointEntry.Role, in entries: [CheckpointEntry]
  ) throws -> Double? {
    guard let entry = entries.first(where: { $0.role == role }), entry.shape.elementCount == 1,
      entry.dtype != nil
    else { return nil }
    let value = try read(entry, rows: nil).converted(to: .float64).elements(of: Double.self)[0]
    return role == .iteration && !(value.magnitude < 0x1p62) ? nil : value
  }
}

// MARK: - Roles

extension PlainTensors {
  /// - Throws: `inconsistent` unless the metadata speak of exactly the file's tensors.
  private func recordedEntries(_ metadata: PlainMetadata) throws -> [CheckpointEntry] {
    guard let text = metadata["tensors"], let roles = try JSONValue(parsing: text).object else {
      throw PlainMetadata.damaged(path, "an object of tensors", "none")
    }
    var ids: [String: VariableID] = [:]
    for pair in roles.pairs where pair.value["role"]?.string == "weight" {
      guard let layer = pair.value["layer"]?.array, let index = pair.value["index"]?.int,
        layer.allSatisfy({ $0.string != nil })
      else { throw inconsistent(pair.key, "its layer and index", pair.value.text) }
      ids[pair.key] = VariableID(layer: LayerPath(layer.map { $0.string! }), index: index)
    }
    var entries: [CheckpointEntry] = []
    var seen: Set<String> = []
    for pair in roles.pairs {
      guard let item = items[pair.key], seen.insert(pair.key).inserted else {
        throw inconsistent(
          pair.key, "it in the file as often as in the metadata", "another number")
      }
      let role: CheckpointEntry.Role
      switch pair.value["role"]?.string {
      case "weight": role = .weight(ids[pair.key]!)
      case "slot":
        guard let slot = pair.value["slot"]?.string, let owner = pair.value["owner"]?.string,
          let id = ids[owner], items[owner]?.shape == item.shape
        else { throw inconsistent(pair.key, "its slot and an owner of its shape", pair.value.text) }
        role = .slot(slot: slot, owner: id, ownerName: owner)
      case "iteration": role = .iteration
      case "learningRate": role = .learningRate
      case "lossScale": role = .lossScale
      case "untied": role = .untied
      default: role = .other
      }
      entries.append(CheckpointEntry(item, name: pair.key, role: role))
    }
    if let stray = names.first(where: { !seen.contains($0) }) {
      throw inconsistent(stray, "it in the metadata", "it in the file only")
    }
    return entries
  }

  private func inconsistent(
    _ name: String, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .inconsistent, "cannot read", path: path, object: name, expected: expected, found: found)
  }

  /// `iteration` and `learning_rate` are the optimizer's; `accumulator/dense/kernel` is a slot where
  /// there is a `dense/kernel` of its shape; everything else is a weight of the layer before its last
  /// `/`.
  private func guessedEntries() throws -> [CheckpointEntry] {
    var ids: [String: VariableID] = [:]
    var counts: [LayerPath: Int] = [:]
    var roles: [String: CheckpointEntry.Role] = [:]
    for name in names {
      let item = items[name]!
      if name == "iteration" || name == "learning_rate", item.shape.elementCount == 1 {
        roles[name] = name == "iteration" ? .iteration : .learningRate
      } else if item.dtype == nil {
        roles[name] = .other
      } else if slot(in: name) == nil {
        let layer = LayerPath(Self.layerNames(of: name))
        let id = VariableID(layer: layer, index: counts[layer, default: 0])
        counts[layer] = id.index + 1
        ids[name] = id
        roles[name] = .weight(id)
      }
    }
    return names.map { name in
      var role = roles[name] ?? .other
      if let (slot, owner) = slot(in: name), roles[name] == nil, let id = ids[owner] {
        role = .slot(slot: slot, owner: id, ownerName: owner)
      }
      return CheckpointEntry(items[name]!, name: name, role: role)
    }
  }

  private func slot(in name: String) -> (slot: String, owner: String)? {
    guard let slash = name.firstIndex(of: "/") else { return nil }
    let owner = String(name[name.index(after: slash)...])
    guard let item = items[owner], item.shape == items[name]!.shape else { return nil }
    return (String(name[..<slash]), owner)
  }

  /// The layers in a canonical name, `\/` being a slash inside a name.
  private static func layerNames(of name: String) -> [String] {
    var parts = [""]
    var isEscaped = false
    for character in name {
      if isEscaped {
        parts[parts.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "/" {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts.dropLast()
  }
}
