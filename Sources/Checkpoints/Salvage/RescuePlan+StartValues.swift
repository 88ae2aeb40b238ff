import KerasConfiguration
import Tensors

extension RescuePlan {
  /// Gives made-up tensors the values with which training begins.
  func startAnew(_ parts: inout [Part], as draft: RescueDraft) throws {
    let scratch = try SalvageScratch()
    let path = scratch.file("trial")
    try draft.write(to: path)
    let manifest = try CheckpointReader(opening: path).manifest
    let places = Dictionary(
      parts.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
    let ids = Dictionary(
      manifest.entries.compactMap { entry -> (VariableID, Int)? in
        guard case .weight(let id) = entry.role else { return nil }
        return places[entry.datasetPath].map { (id, $0) }
      }, uniquingKeysWith: { first, _ in first })
    var lost: [TensorFinding] = []
    // Weights first: averages begin with them.
    let order = manifest.entries.filter { !$0.isSlot } + manifest.entries.filter(\.isSlot)
    for entry in order {
      guard let index = places[entry.datasetPath], case .filled = parts[index].source else {
        continue
      }
      if let (value, words) = start(of: entry, manifest, parts, ids) {
        parts[index].value = value
        parts[index].source = .filled(words)
      } else if let finding = findings[entry.datasetPath] {
        lost.append(finding)
      }
    }
    guard lost.isEmpty else {
      let names = lost.map(\.name).joined(separator: ", ")
      throw CheckpointError(
        .refused, "cannot rescue", path: damaged.path,
        problem: "no start value is known, since training begins with random ones: \(names)",
        cure: "--fill-from OLDER takes them from an older checkpoint; --fill zeros makes them zero")
    }
  }

  private func start(
    of entry: CheckpointEntry, _ manifest: CheckpointManifest, _ parts: [Part],
    _ ids: [VariableID: Int]
  ) -> (Tensor, String)? {
    guard let dtype = entry.dtype else { return nil }
    func constant(_ value: Double) -> (Tensor, String) {
      (Tensor(repeating: value, shape: entry.shape, dtype: dtype), "the start value \(value)")
    }
    switch entry.role {
    case .slot("average", let owner, _):
      guard let weights = ids[owner].map({ parts[$0].value }), weights.shape == entry.shape else {
        return nil
      }
      return (weights.converted(to: dtype), "its weights as they are")
    case .slot("accumulator", _, _):
      let options = manifest.optimizer?.entry.map { ($0.inner ?? $0).configuration }
      guard let value = options?["initial_accumulator_value"]?.double else { return nil }
      return constant(value)
    case .slot: return constant(0)
    case .iteration: return constant(0)
    case .weight:
      switch entry.name.split(separator: "/").last {
      case "bias", "beta", "moving_mean": return constant(0)
      case "gamma", "moving_variance": return constant(1)
      default: return nil
      }
    case .learningRate, .lossScale, .untied, .other: return nil
    }
  }
}

extension CheckpointEntry {
  fileprivate var isSlot: Bool { if case .slot = role { true } else { false } }
}
