import KerasConfiguration
import Tensors

/// Compares what two checkpoints say beside their tensors, in meaning: spelling that only follows from
/// the generation of Keras is no difference.
enum ConfigurationComparison {
  typealias Difference = CheckpointDiff.ConfigurationDifference

  static func differences(
    between first: CheckpointManifest, and second: CheckpointManifest
  ) -> [Difference] {
    optimizer(first, second) + model(first, second) + resumption(first, second)
  }

  // MARK: Optimizer

  /// Keys whose value follows from who wrote the file, or that have no effect.
  private static let incidentalKeys: Set = ["name", "jit_compile", "is_legacy_optimizer"]

  private static func optimizer(
    _ before: CheckpointManifest, _ after: CheckpointManifest
  ) -> [Difference] {
    guard let a = before.optimizer, let b = after.optimizer else { return [] }
    var found: [Difference] = []
    // Under mixed precision Keras wraps the optimizer by itself, and tells so in some layouts only.
    let (first, second) = (a.entry?.inner ?? a.entry, b.entry?.inner ?? b.entry)
    if let x = first?.className ?? a.className, let y = second?.className ?? b.className, x != y {
      found.append(.init(path: "optimizer.class_name", before: x, after: y))
    }
    if let x = a.recordedArithmetic, let y = b.recordedArithmetic, x != y {
      found.append(.init(path: "optimizer.arithmetic", before: x.rawValue, after: y.rawValue))
    }
    if let x = a.learningRate, let y = b.learningRate, Float(x) != Float(y) {
      found.append(
        .init(
          path: "optimizer.learning_rate", before: JSONNumber(x).text, after: JSONNumber(y).text))
    }
    guard let x = first?.configuration, let y = second?.configuration else { return found }
    // The rate in force was compared above; a schedule is compared here.
    let isRateKnown = a.learningRate != nil && b.learningRate != nil
    for key in x.keys + y.keys.filter({ x[$0] == nil }) {
      if incidentalKeys.contains(key) || (key == "learning_rate" && isRateKnown) { continue }
      let values = (x[key] ?? .null, y[key] ?? .null)
      let (before, after) = key == "learning_rate" ? schedules(values) : values
      found += tree(before, after, at: "optimizer.\(key)")
    }
    return found
  }

  /// Two schedules in the words of one Keras and without the names that some give them, which have no
  /// effect; anything else as it is.
  private static func schedules(_ values: (JSONValue, JSONValue)) -> (JSONValue, JSONValue) {
    func nameless(_ json: JSONValue) -> JSONValue? {
      guard var schedule = try? ScheduleConfiguration(json: json) else { return nil }
      schedule.name = nil
      return try? schedule.json(for: .keras3)
    }
    guard let before = nameless(values.0), let after = nameless(values.1) else { return values }
    return (before, after)
  }

  // MARK: Architecture and resumption

  private static func model(
    _ first: CheckpointManifest, _ second: CheckpointManifest
  ) -> [Difference] {
    guard let a = first.model, let b = second.model else { return [] }
    if a.dialect == b.dialect {
      return tree(withoutIncidentals(a.json), withoutIncidentals(b.json), at: "model")
    }
    // Two generations spell the same layer differently; names and classes mean the same in both.
    let x = a.topLevelLayers.map { "\($0.className) \($0.name)" }
    let y = b.topLevelLayers.map { "\($0.className) \($0.name)" }
    return (0..<max(x.count, y.count)).compactMap { index in
      let before = index < x.count ? x[index] : nil
      let after = index < y.count ? y[index] : nil
      return before == after
        ? nil : Difference(path: "model.layers[\(index)]", before: before, after: after)
    }
  }

  /// What says where a configuration stood, or follows from the rest of it.
  private static let incidentalModelKeys: Set = [
    "module", "registered_name", "build_config", "build_input_shape", "compile_config",
    "keras_version", "backend", "shared_object_id",
  ]

  private static func withoutIncidentals(_ json: JSONValue) -> JSONValue {
    switch json {
    case .object(let object):
      .object(
        JSONObject(
          object.pairs.filter { !incidentalModelKeys.contains($0.key) }
            .map { ($0.key, withoutIncidentals($0.value)) }))
    case .array(let elements): .array(elements.map(withoutIncidentals))
    default: json
    }
  }

  private static func resumption(
    _ first: CheckpointManifest, _ second: CheckpointManifest
  ) -> [Difference] {
    guard let a = first.resumption, let b = second.resumption else { return [] }
    var found = tree(a.json, b.json, at: "resumption")
    let names =
      a.arrays.map(\.name)
      + b.arrays.map(\.name).filter { name in
        !a.arrays.contains { $0.name == name }
      }
    for name in names {
      let before = a.arrays.first { $0.name == name }?.value
      let after = b.arrays.first { $0.name == name }?.value
      if let before, let after, before.isIdentical(to: after) { continue }
      found.append(
        .init(
          path: "resumption.\(name)", before: before.map { "\($0.dtype) \($0.shape)" },
          after: after.map { "\($0.dtype) \($0.shape)" }))
    }
    return found
  }

  // MARK: JSON

  /// The leaves that differ between two JSON values; numbers are compared as numbers.
  private static func tree(
    _ first: JSONValue, _ second: JSONValue, at path: String
  ) -> [Difference] {
    let (a, b) = (first.withoutWrapper, second.withoutWrapper)
    switch (a, b) {
    case (.object(let x), .object(let y)):
      return (x.keys + y.keys.filter { x[$0] == nil }).flatMap { key -> [Difference] in
        switch (x[key], y[key]) {
        case (let before?, let after?): tree(before, after, at: "\(path).\(key)")
        case (let before, let after):
          [.init(path: "\(path).\(key)", before: before?.text, after: after?.text)]
        }
      }
    case (.array(let x), .array(let y)):
      return (0..<max(x.count, y.count)).flatMap { index -> [Difference] in
        let place = "\(path)[\(index)]"
        if index < x.count, index < y.count { return tree(x[index], y[index], at: place) }
        return [
          .init(
            path: place, before: index < x.count ? x[index].text : nil,
            after: index < y.count ? y[index].text : nil)
        ]
      }
    case (.number(let x), .number(let y)) where x.double == y.double: return []
    case _ where a == b: return []
    default: return [.init(path: path, before: a.text, after: b.text)]
    }
  }
}
