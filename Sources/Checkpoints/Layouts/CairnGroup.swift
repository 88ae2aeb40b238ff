import HDF5
import KerasConfiguration
import Tensors

/// The root group `cairn`, where every Keras was measured not to look: what a file of Cairn says
/// beyond Keras's layouts.
///
/// | attribute | content |
/// |---|---|
/// | `format_version` | int64, 1 |
/// | `arithmetic` | which generation's formulas the optimizer state belongs to |
/// | `model_config`, `training_config` | JSON, as whole-model files have them; in layouts without a place of their own for them |
/// | `model_config_dialect`, `training_config_dialect` | in whose spelling these are |
/// | `resumption` | JSON; its meaning belongs to whoever resumes |
///
/// The arrays of the resumption record are datasets below `cairn/resumption`; `cairn/digests` is the
/// ``DigestTable``, in every file.
enum CairnGroup {
  static let path = "cairn"
  static let arraysPath = "cairn/resumption"
  static let formatVersion: Int64 = 1
}

// MARK: - Reading

extension CairnGroup {
  /// What the group says about a whole file.
  struct Content {
    var arithmetic: Arithmetic?
    var model: ModelConfiguration?
    var training: TrainingConfiguration?
    var resumption: ResumptionRecord?
  }

  /// Whether a file has the record. Of several files of one checkpoint, one has; the group of the others
  /// holds their digests alone.
  static func isRecorded(in root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    guard try root.exists(path) else { return false }
    let group = try root.openGroup(path)
    if try group.attributes.contains("format_version") { return true }
    return try group.memberNames() != ["digests"]
  }

  /// Nil when the file has no such group.
  ///
  /// - Throws: `unsupported` when a later version of Cairn wrote it.
  static func read(_ root: borrowing HDF5Group, path: String) throws -> Content? {
    guard try root.exists(self.path) else { return nil }
    let group = try root.openGroup(self.path)
    let version = try group.attributes.integer("format_version")
    guard version == formatVersion else {
      throw CheckpointError(
        .unsupported, "cannot read", path: path, object: "/\(self.path)@format_version",
        problem: "expected version \(formatVersion) of Cairn's own group, found \(version)",
        cure: "a later Cairn wrote it: read it with that one")
    }
    var content = Content()
    if let text = try group.attributes.optionalString("arithmetic") {
      guard let arithmetic = Arithmetic(rawValue: text) else {
        throw CheckpointError(
          .inconsistent, "cannot read", path: path, object: "/\(self.path)@arithmetic",
          problem: "expected one of \(Arithmetic.allCases.map(\.rawValue)), found \"\(text)\"")
      }
      content.arithmetic = arithmetic
    }
    if let text = try group.attributes.optionalString("model_config") {
      content.model = try ModelConfiguration(
        parsing: text, dialect: dialect("model_config_dialect", of: group))
    }
    if let text = try group.attributes.optionalString("training_config") {
      content.training = try TrainingConfiguration(
        parsing: text, dialect: dialect("training_config_dialect", of: group))
    }
    if let text = try group.attributes.optionalString("resumption") {
      content.resumption = ResumptionRecord(
        json: try JSONValue(parsing: text),
        arrays: try readArrays(root, path: path))
    }
    return content
  }

  private static func dialect(
    _ attribute: String, of group: borrowing HDF5Group
  ) throws -> Dialect {
    let text = try group.attributes.string(attribute)
    guard let dialect = Dialect(rawValue: text) else {
      throw ConfigurationError.unexpectedValue(
        key: attribute, object: "group `\(path)`",
        expected: "one of \(Dialect.allCases.map(\.rawValue).joined(separator: ", "))",
        found: .string(text))
    }
    return dialect
  }

  private static func readArrays(
    _ root: borrowing HDF5Group, path: String
  ) throws -> [(name: String, value: Tensor)] {
    guard try root.exists(arraysPath) else { return [] }
    let group = try root.openGroup(arraysPath)
    var arrays: [(name: String, value: Tensor)] = []
    for name in try group.memberNames() {
      let dataset = try group.openDataset(name)
      let entry = try CheckpointEntry(dataset, name: name, role: .other)
      arrays.append((name, try dataset.readTensor(entry, path: path)))
    }
    return arrays
  }
}

// MARK: - Writing

extension FilePlan {
  /// Adds Cairn's group. `texts` are the configurations for which the layout has no place itself.
  mutating func addCairnGroup(
    _ checkpoint: Checkpoint, texts: [(name: String, value: String)] = []
  ) {
    var attributes: [(name: String, value: AttributeValue)] = [
      ("format_version", .integer(CairnGroup.formatVersion))
    ]
    if let optimizer = checkpoint.optimizer {
      attributes.append(("arithmetic", .ascii(optimizer.configuration.arithmetic.rawValue)))
    }
    attributes += texts.map { ($0.name, .utf8($0.value)) }
    if let resumption = checkpoint.resumption {
      attributes.append(("resumption", .utf8(resumption.json.text)))
    }
    groups.append(Group(path: CairnGroup.path, attributes: attributes))
    for array in checkpoint.resumption?.arrays ?? [] {
      datasets.append(Dataset(path: "\(CairnGroup.arraysPath)/\(array.name)", value: array.value))
    }
  }
}
