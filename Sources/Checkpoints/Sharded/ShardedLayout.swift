import HDF5
import KerasConfiguration
import Tensors

/// Layout E: the tree of a weights file cut into several HDF5 files, with a map in JSON beside them, as
/// Keras 3's `save_weights("x.weights.json")` writes it.
enum ShardedLayout {
  /// Bytes of variables in one file, unless the user says otherwise: as Keras's own default, 5 GiB.
  static let defaultShardByteCount = 5 << 30

  static func readManifest(
    _ shards: OpenShards, cairn: CairnGroup.Content?, path: String
  ) throws -> CheckpointManifest {
    let root = try StoredGroup(rootOf: shards.tree)
    // A model without weights may have an optimizer, or nothing at all.
    guard
      try shards.map.objects.isEmpty || WeightsLayout.isLaidOut(root)
        || root.exists(WeightsLayout.optimizerGroup)
    else {
      throw CheckpointError(
        .unrecognized, "cannot read", path: path,
        problem: "expected a map of the variables of layers, found none below layers")
    }
    var manifest = try WeightsLayout.readManifest(
      root, model: cairn?.model, training: cairn?.training, frozen: cairn?.frozen ?? [], path: path)
    manifest.layout = .sharded
    for index in manifest.entries.indices {
      // The tree in memory has places of its own.
      manifest.entries[index].byteOffset = shards.byteOffset(
        of: manifest.entries[index].datasetPath)
    }
    return manifest
  }
}

// MARK: - Writing

extension FilePlan {
  /// The plans of several files that together hold what this one would, datasets in its order, each with
  /// at most `maximum` bytes of variables, or a single variable; and the map, which names the files by
  /// their indices in decimal.
  ///
  /// Cairn's own group goes into the first file, where the map does not mention it. Groups without
  /// variables are left out, and a group that continues in a further file has its attributes in the
  /// first one only, as in Keras's files.
  func sharded(maximumByteCount maximum: Int) -> (
    plans: [FilePlan], objects: [[Int]], groups: [String]
  ) {
    let attributes = Dictionary(groups.map { ($0.path, $0.attributes) }) { first, _ in first }
    func isCairn(_ path: String) -> Bool {
      path == CairnGroup.path || path.hasPrefix("\(CairnGroup.path)/")
    }
    var plans = [FilePlan()]
    var byteCount = 0
    var order: [String] = []
    var shards: [String: [Int]] = [:]
    for dataset in datasets where !isCairn(dataset.path) {
      let size = dataset.value.byteCount
      if byteCount > 0, size > maximum - byteCount {
        plans.append(FilePlan())
        byteCount = 0
      }
      byteCount += size
      let group = String(dataset.path.prefix(upTo: dataset.path.lastIndex(of: "/")!))
      if shards[group]?.last != plans.count - 1 {
        if shards[group] == nil { order.append(group) }
        plans[plans.count - 1].groups.append(
          Group(path: group, attributes: shards[group] == nil ? attributes[group] ?? [] : []))
        shards[group, default: []].append(plans.count - 1)
      }
      plans[plans.count - 1].datasets.append(dataset)
    }
    plans[0].groups += groups.filter { isCairn($0.path) }
    plans[0].datasets += datasets.filter { isCairn($0.path) }
    for index in plans.indices { plans[index].digests = digests }
    return (plans, order.map { shards[$0]! }, order)
  }

  /// Bytes of all variables.
  var variableByteCount: Int {
    datasets.reduce(0) {
      $0 + ($1.path.hasPrefix("\(CairnGroup.path)/") ? 0 : $1.value.byteCount)
    }
  }
}
