import HDF5
import KerasConfiguration
import Tensors

extension CheckpointReader {
  /// Opens a file as ``init(opening:verifying:)`` does; where it is a weights file without architecture, the
  /// architecture and the optimizer's class of another checkpoint stand in.
  ///
  /// They prove which slot belongs to which variable, and tell the layers' names, where the file itself
  /// does not. They are used only there, and only if they imply exactly the variables and shapes that
  /// the file holds; a note says so. The class of an optimizer that the file does not name is taken over
  /// unless the slots' own numbers contradict it; then they stay untied.
  ///
  /// - Parameter verifying: as ``init(opening:verifying:)`` has it.
  public init(
    opening path: String, architectureFrom other: borrowing CheckpointReader,
    verifying: Bool = true
  ) throws(CheckpointError) {
    try self.init(opening: path, named: path, architectureFrom: other, verifying: verifying)
  }

  /// As ``init(opening:architectureFrom:verifying:)``, of a file that goes by another name in ``path`` and in
  /// errors.
  package init(
    opening file: String, named name: String, architectureFrom other: borrowing CheckpointReader,
    verifying: Bool = true
  ) throws(CheckpointError) {
    let plain = try CheckpointReader(opening: file, named: name, verifying: verifying)
    if let model = other.manifest.model, plain.manifest.needsArchitecture,
      let explained = try plain.explained(by: model, of: other, verifying: verifying)
    {
      self = explained
    } else {
      self = plain
    }
  }

  /// The same file opened with another's architecture; nil where that belongs to another model.
  private borrowing func explained(
    by model: ModelConfiguration, of other: borrowing CheckpointReader, verifying: Bool
  ) throws(CheckpointError) -> CheckpointReader? {
    var note = "names and ties of \(path) are those of the architecture in \(other.path)"
    let variables = other.manifest.shapes
    let training = other.manifest.training
    func open(_ training: TrainingConfiguration?) -> CheckpointReader? {
      let content = CairnGroup.Content(
        model: model, training: training, frozen: other.manifest.frozen)
      return CheckpointReader(
        file, named: path, content, variables: variables, untiedAtMost: manifest.untiedCount,
        note: note,
        verifying: verifying)
    }
    guard try allows(training?.optimizer), let className = training?.optimizer?.className else {
      return open(nil)
    }
    guard let optimizer = manifest.optimizer, optimizer.className == nil else {
      return open(training)
    }
    note += "; the file does not name its optimizer, "
    let reason = note
    note += "which is taken for \(className) as there: positional, unproven"
    guard let opened = open(training) else { return nil }
    guard let contradiction = try opened.slotAgainstItsMeaning() else { return opened }
    note = "\(reason)whose numbers show that it is not \(className) as there: \(contradiction)"
    return open(nil)
  }

  /// The file as an architecture explains it; nil where that belongs to another model.
  private init?(
    _ file: String, named path: String, _ standIn: CairnGroup.Content,
    variables: [VariableID: Shape],
    untiedAtMost untiedCount: Int, note: String, verifying: Bool
  ) {
    guard let opened = try? OpenCheckpoint(file, verifying: verifying),
      // An error here means that the architecture belongs to another model.
      var manifest = try? opened.readManifest(standIn: standIn),
      manifest.shapes == variables, manifest.untiedCount <= untiedCount
    else { return nil }
    manifest.borrowing = note
    manifest.notes.append(note)
    self.init(path: path, file: file, manifest: manifest, storage: opened.storage)
  }

  /// Whether the file's optimizer can be the one that an entry describes: where it stores a name, that is
  /// the entry's, or the class's own in snake case.
  private func allows(_ entry: OptimizerEntry?) throws(CheckpointError) -> Bool {
    guard let entry = entry?.inner ?? entry, let className = entry.className else { return false }
    do {
      let root: StoredGroup
      switch storage {
      case .file(let file): root = try StoredGroup(rootOf: file)
      case .shards(let shards): root = try StoredGroup(rootOf: shards.tree)
      case .plain: return true
      }
      guard let name = try WeightsLayout.optimizerName(root) else { return true }
      return name == entry.name || ElementName.split(name).className == snakeCase(className)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

// MARK: - What a class means for its numbers

extension CheckpointReader {
  /// The first slot whose numbers cannot be what its name says, in words: a sum or a mean of squares with
  /// a negative element. Nil where nothing speaks against the names.
  private func slotAgainstItsMeaning() throws(CheckpointError) -> String? {
    let squares: Set = ["accumulator", "velocity", "velocity_hat"]
    for entry in manifest.entries {
      guard case .slot(let slot, _, _) = entry.role, squares.contains(slot),
        entry.dtype?.isFloatingPoint == true,
        let rows = entry.slabs(ofAtMost: Self.inspectedBytes).first
      else { continue }
      let numbers = try read(entry, rows: rows).converted(to: .float64).elements(of: Double.self)
      if let negative = numbers.first(where: { $0 < 0 }) {
        return "\(entry.name) would hold \(negative), and squares are not negative"
      }
    }
    return nil
  }

  /// From each slot.
  private static var inspectedBytes: Int { 1 << 16 }
}

extension CheckpointManifest {
  /// True of a weights file that leaves names or ties open: only Keras 3 stores layers' names.
  fileprivate var needsArchitecture: Bool {
    model == nil && [.weights, .sharded, .legacyWeights].contains(layout)
      && (dialect != .keras3 || untiedCount > 0)
  }

  fileprivate var untiedCount: Int { entries.count { $0.role == .untied } }

  /// The variables of the model, by identity.
  fileprivate var shapes: [VariableID: Shape] {
    var shapes: [VariableID: Shape] = [:]
    for entry in entries {
      if case .weight(let id) = entry.role { shapes[id] = entry.shape }
    }
    return shapes
  }
}
