import HDF5
import KerasConfiguration
import Tensors

/// Looks for variables that layers of unknown classes may share with others.
///
/// Such a class can hold a variable of another layer. Keras then stores it with both and trains it once,
/// which makes the count of slots another than the ties by ``SlotTies/Order/anySelection(_:unknownLayers:)``
/// suppose. The two copies hold the same numbers; where they do, the ties must be the only ones that fit
/// even if the two are one variable.
enum SharedVariables {
  /// Unties the slots of a manifest whose ties suppose that nothing is shared, where a variable of an
  /// unknown layer may be the same as another and at least one of the two is trained.
  ///
  /// Compares the beginnings of tensors of equal shape and dtype.
  static func untie(
    _ manifest: inout CheckpointManifest, in storage: TensorStorage, path: String
  ) throws {
    let layers = Set(manifest.layersProvenBySlots)
    guard let selection = manifest.selection else { return }
    struct Content: Hashable {
      let shape: Shape
      let dtype: DType
      var bytes: [UInt8] = []
    }
    var groups: [Content: [(entry: CheckpointEntry, id: VariableID)]] = [:]
    for entry in manifest.entries {
      guard case .weight(let id) = entry.role, let dtype = entry.dtype, dtype.isFloatingPoint
      else { continue }
      groups[Content(shape: entry.shape, dtype: dtype), default: []].append((entry, id))
    }
    var seen: [Content: [(entry: CheckpointEntry, id: VariableID)]] = [:]
    for (content, members) in groups
    where members.count > 1 && members.contains(where: { layers.contains($0.id.layer) }) {
      for member in members {
        var content = content
        content.bytes = try beginning(of: member.entry, content.dtype, in: storage)
        seen[content, default: []].append(member)
      }
    }
    // In the order of the model, in which Keras counts a variable where it meets it first.
    let suspects = seen.values.filter { members in
      members.count > 1 && members.contains { layers.contains($0.id.layer) }
    }
    let duplicates = Set(suspects.flatMap { $0.dropFirst().map(\.id) })
    guard !duplicates.isEmpty, !selection.isProven(without: duplicates) else { return }
    let names = suspects.map { $0.map(\.entry.name) }.min { $0.lexicographicallyPrecedes($1) }!
    manifest.untieSlots(
      because:
        "`\(names[0])` and `\(names[1])` hold the same numbers and may be one variable of two layers,"
        + " one of an unknown class, which fits the slots as well: positional, unproven")
  }

  private static let comparedElements = 1 << 12

  private static func beginning(
    of entry: CheckpointEntry, _ dtype: DType, in storage: TensorStorage
  ) throws -> [UInt8] {
    guard let open = storage.file(of: entry) else { return [] }
    let count = min(comparedElements, entry.shape.elementCount)
    var bytes = [UInt8](repeating: 0, count: count * dtype.byteCount)
    let dataset = try open.file.root().openDataset(entry.datasetPath)
    try bytes.withUnsafeMutableBytes {
      try dataset.readElements(0..<count, into: $0, as: dtype.elementType)
    }
    return bytes
  }
}

extension CheckpointManifest {
  /// Makes every slot an optimizer variable of an unknown owner, under its path in the file.
  fileprivate mutating func untieSlots(because reason: String) {
    for (index, entry) in entries.enumerated() {
      guard case .slot = entry.role else { continue }
      let path = String(entry.datasetPath.drop { $0 == "/" })
      entries[index] = entry.renamed(path, .untied)
    }
    notes.removeAll { $0.contains(SlotTies.proofBySlots) }
    notes.append(reason)
    for layer in layersProvenBySlots { model = model?.knowingNothingOfTraining(in: layer) }
    layersProvenBySlots = []
    selection = nil
  }
}

extension ModelConfiguration {
  /// The same model without knowledge of which variables of a layer are trained.
  fileprivate func knowingNothingOfTraining(in layer: LayerPath) -> ModelConfiguration {
    guard var custom = customLayers[layer] else { return self }
    custom.isTrainingKnown = false
    return knowing(customLayers.merging([layer: custom]) { $1 })
  }
}
