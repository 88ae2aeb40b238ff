import HDF5
import KerasConfiguration
import Tensors

/// The root group `cairn`, where every Keras was measured not to look: what a file of Cairn says
/// beyond Keras's layouts.
///
/// | attribute | content |
/// |---|---|
/// | `format_version` | int64, 2 |
/// | `arithmetic` | which generation's formulas the optimizer state belongs to |
/// | `scales_loss` | int64, 1 where another optimizer scales the loss around this one, whether or not the configuration says so |
/// | `model_config`, `training_config` | JSON, as whole-model files have them; in layouts without a place of their own for them |
/// | `model_config_dialect`, `training_config_dialect` | in whose spelling these are |
/// | `original_model_config`, `original_training_config`, and both with `_dialect` | in converted files: these texts as the file had them from which it was converted, where they are others |
/// | `frozen` | JSON; variables that are frozen although the architecture does not say so, each as the list of its layers' names and its index |
/// | `custom_layers` | JSON; of layers of unknown classes, each a list: its `layer` as the list of names, and its `variables`, each `[name, trained]` |
/// | `weights` | which copy of the weights the model's variables are: `live`, `average` or `best` |
///
/// What differs from one save of a run to the next are datasets, so that one skeleton fits them all. Texts
/// are UTF-8 with spaces behind them, up to a power of two:
///
/// | dataset | content |
/// |---|---|
/// | `texts/resumption` | JSON; its meaning belongs to whoever resumes |
/// | `texts/saved` | JSON, in files of a ``CheckpointStore``: `step`, and by name the `metrics` known then |
///
/// The arrays of the resumption record are datasets below `cairn/resumption`; `cairn/digests` is the
/// ``DigestTable``, in every file.
enum CairnGroup {
  static let path = "cairn"
  static let arraysPath = "cairn/resumption"
  static let textsPath = "cairn/texts"
  static let resumptionPath = "cairn/texts/resumption"
  static let storeRecordPath = "cairn/texts/saved"
  static let formatVersion: Int64 = 2
}

// MARK: - Reading

extension CairnGroup {
  /// What the group says about a whole file.
  struct Content {
    var arithmetic: Arithmetic?
    var scalesLoss = false
    var model: ModelConfiguration?
    var training: TrainingConfiguration?
    var original: OriginalWords?
    var frozen: Set<VariableID> = []
    var customLayers: [LayerPath: CustomLayer] = [:]
    var resumption: ResumptionRecord?
    var weights: WeightsCopy?
    var storeRecord: StoreRecord?
  }

  /// Whether a file has the record. Of several files of one checkpoint, one has; the group of the others
  /// holds their digests alone.
  static func isRecorded(in root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    guard try root.exists(path) else { return false }
    let group = try root.openGroup(path)
    if try group.attributes.contains("format_version") { return true }
    if try isLayer(group) { return false }
    return try group.memberNames() != ["digests"]
  }

  /// Whether a group of this name is that of a layer, in legacy weights without a record.
  private static func isLayer(_ group: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    if try group.attributes.contains("format_version") { return false }
    return try group.attributes.contains("weight_names")
  }

  /// Nil when the file has no such group.
  ///
  /// - Throws: `unsupported` when a later version of Cairn wrote it.
  static func read(_ root: borrowing HDF5Group, path: String) throws -> Content? {
    guard try root.exists(self.path) else { return nil }
    let group = try root.openGroup(self.path)
    if try isLayer(group) { return nil }
    let version = try group.attributes.integer("format_version")
    guard version == formatVersion else {
      throw CheckpointError(
        .unsupported, "cannot read", path: path, object: "/\(self.path)@format_version",
        problem: "expected version \(formatVersion) of Cairn's own group, found \(version)",
        cure: "another Cairn wrote it: read it with that one")
    }
    var content = Content()
    content.arithmetic = try choice("arithmetic", of: group, path: path)
    content.scalesLoss = try group.attributes.contains("scales_loss")
    content.model = try model("model_config", of: group)
    content.training = try training("training_config", of: group)
    if let model = try model("original_model_config", of: group) {
      content.original = OriginalWords(
        model: model, training: try training("original_training_config", of: group))
    }
    if let text = try group.attributes.optionalString("frozen") {
      content.frozen = try frozen(parsing: text, path: path)
    }
    if let text = try group.attributes.optionalString("custom_layers") {
      content.customLayers = try customLayers(parsing: text, path: path)
      content.model = content.model?.knowing(content.customLayers)
    }
    if let json = try readText(root, resumptionPath, path: path) {
      content.resumption = ResumptionRecord(json: json, arrays: try readArrays(root, path: path))
    }
    content.weights = try choice("weights", of: group, path: path)
    if let json = try readText(root, storeRecordPath, path: path) {
      content.storeRecord = StoreRecord(json: json)
    }
    return content
  }

  /// One of the words that an attribute may hold; nil where there is none.
  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ attribute: String, of group: borrowing HDF5Group, path: String
  ) throws -> Choice? where Choice.RawValue == String {
    guard let text = try group.attributes.optionalString(attribute) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    throw CheckpointError(
      .inconsistent, "cannot read", path: path, object: "/\(self.path)@\(attribute)",
      expected: "one of \(Choice.allCases.map(\.rawValue))", found: "\"\(text)\"",
      cure: "a later Cairn may have written it: read it with that one")
  }

  private static func model(
    _ attribute: String, of group: borrowing HDF5Group
  ) throws -> ModelConfiguration? {
    guard let text = try group.attributes.optionalString(attribute) else { return nil }
    return try ModelConfiguration(
      parsing: text, dialect: dialect("\(attribute)_dialect", of: group))
  }

  private static func training(
    _ attribute: String, of group: borrowing HDF5Group
  ) throws -> TrainingConfiguration? {
    guard let text = try group.attributes.optionalString(attribute) else { return nil }
    return try TrainingConfiguration(
      parsing: text, dialect: dialect("\(attribute)_dialect", of: group))
  }

  private static func frozen(parsing text: String, path: String) throws -> Set<VariableID> {
    var frozen: Set<VariableID> = []
    for variable in try JSONValue(parsing: text).array ?? [] {
      guard var names = variable.array, let index = names.popLast()?.int,
        names.allSatisfy({ $0.string != nil })
      else {
        throw CheckpointError(
          .inconsistent, "cannot read", path: path, object: "/\(self.path)@frozen",
          expected: "lists of layers' names and an index", found: variable.text)
      }
      frozen.insert(VariableID(layer: LayerPath(names.map { $0.string! }), index: index))
    }
    return frozen
  }

  private static func customLayers(
    parsing text: String, path: String
  ) throws -> [LayerPath: CustomLayer] {
    var layers: [LayerPath: CustomLayer] = [:]
    for layer in try JSONValue(parsing: text).array ?? [] {
      let names = layer["layer"]?.array?.compactMap(\.string) ?? []
      let variables = (layer["variables"]?.array ?? []).enumerated().compactMap { index, variable in
        variable.array.flatMap { pair -> VariableSchema? in
          guard pair.count == 2, let name = pair[0].string, let isTrained = pair[1].bool else {
            return nil
          }
          return VariableSchema(numbered: index, isTrainable: isTrained, storedName: name)
        }
      }
      guard !names.isEmpty, variables.count == layer["variables"]?.array?.count else {
        throw CheckpointError(
          .inconsistent, "cannot read", path: path, object: "/\(self.path)@custom_layers",
          expected: "a layer's names, and the name and the flag of each variable",
          found: layer.text)
      }
      layers[LayerPath(names)] = CustomLayer(variables, isTrainingKnown: true)
    }
    return layers
  }

  static func text(_ layers: [LayerPath: CustomLayer]) -> String {
    let texts = layers.map { path, layer -> JSONValue in
      [
        "layer": .array(path.names.map { .string($0) }),
        "variables": .array(
          layer.variables.map { [.string($0.storedName ?? $0.name), .bool($0.isTrainable)] }),
      ]
    }
    return JSONValue.array(texts.sorted { $0.text < $1.text }).text
  }

  fileprivate static func text(_ frozen: Set<VariableID>) -> String {
    let variables = frozen.map { variable -> JSONValue in
      .array(variable.layer.names.map { .string($0) } + [JSONValue(variable.index)])
    }
    return JSONValue.array(variables.sorted { $0.text < $1.text }).text
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

  /// The JSON of a padded text; nil when there is none.
  private static func readText(
    _ root: borrowing HDF5Group, _ dataset: String, path: String
  ) throws -> JSONValue? {
    guard try root.exists(textsPath), try root.exists(dataset) else { return nil }
    let dataset = try root.openDataset(dataset)
    let entry = try CheckpointEntry(dataset, name: dataset.path, role: .other)
    guard entry.dtype == .uint8 else {
      throw CheckpointError(
        .inconsistent, "cannot read", path: path, object: dataset.path,
        expected: "the bytes of a text", found: "elements of type \(entry.storedType)")
    }
    return try JSONValue(
      parsing: dataset.readTensor(entry, path: path).elements(of: UInt8.self))
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
  ) throws(ConfigurationError) {
    var attributes: [(name: String, value: AttributeValue)] = [
      ("format_version", .integer(CairnGroup.formatVersion))
    ]
    if let optimizer = checkpoint.optimizer {
      attributes.append(("arithmetic", .ascii(optimizer.configuration.arithmetic.rawValue)))
      if optimizer.lossScale != nil { attributes.append(("scales_loss", .integer(1))) }
    }
    attributes += texts.map { ($0.name, .utf8($0.value)) }
    if let original = checkpoint.original {
      let texts = try Checkpoint.texts(original.model, original.training)
      attributes += texts.map { ("original_\($0.name)", .utf8($0.value)) }
    }
    if !checkpoint.frozen.isEmpty {
      attributes.append(("frozen", .utf8(CairnGroup.text(checkpoint.frozen))))
    }
    attributes.append(("weights", .ascii(checkpoint.weights.rawValue)))
    groups.append(Group(path: CairnGroup.path, attributes: attributes))
    if let resumption = checkpoint.resumption {
      addText(resumption.json, CairnGroup.resumptionPath)
    }
    for array in checkpoint.resumption?.arrays ?? [] {
      datasets.append(Dataset(path: "\(CairnGroup.arraysPath)/\(array.name)", value: array.value))
    }
  }

  /// Adds to Cairn's group what a store says about the file.
  mutating func addStoreRecord(_ record: StoreRecord) {
    addText(record.json, CairnGroup.storeRecordPath)
  }

  /// Adds a text that may be longer in the next save: with spaces, which mean nothing in JSON, up to a power
  /// of two.
  private mutating func addText(_ json: JSONValue, _ path: String) {
    var bytes = Array(json.text.utf8)
    var capacity = 1024
    while capacity < bytes.count { capacity *= 2 }
    bytes += repeatElement(UInt8(ascii: " "), count: capacity - bytes.count)
    datasets.append(Dataset(path: path, value: Tensor(bytes)))
  }
}
