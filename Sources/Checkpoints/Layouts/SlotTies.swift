import KerasConfiguration
import Tensors

/// Finds the owner of every optimizer variable.
///
/// Keras ties slots to variables by position alone. A reader that trusts positions puts a frozen
/// layer's accumulator onto another layer, so here a tie needs evidence: the slot's stored name, the
/// order that the architecture implies, or shapes that admit a single order. Where two kinds of
/// evidence exist they must agree; where there is none the variable stays untied.
struct SlotTies {
  /// An optimizer variable as stored.
  struct Stored {
    /// Its name in layout A; nil in layouts that only number them.
    let name: String?
    let datasetPath: String
    let shape: Shape
    let dtype: DType?
  }

  /// A model variable that may own slots.
  struct Owner {
    let id: VariableID
    /// The canonical name.
    let name: String
    /// Its name in layout A, without `:0`; nil in other layouts.
    let storedName: String?
    let shape: Shape

    init(id: VariableID, name: String, storedName: String?, shape: Shape) {
      self.id = id
      self.name = name
      self.storedName = storedName
      self.shape = shape
    }

    /// Nil for what is no weight, and for integers: quantization turns a kernel into them, while the
    /// optimizer keeps the slots of the fractions that they replaced.
    init?(_ entry: CheckpointEntry, storedName: String?) {
      guard case .weight(let id) = entry.role, entry.dtype?.isFloatingPoint == true else {
        return nil
      }
      self.init(id: id, name: entry.name, storedName: storedName, shape: entry.shape)
    }
  }

  /// What stands before the slots.
  struct Head {
    /// Whether the rate is a variable: not under a schedule, and only in Keras 3. Nil where the file
    /// does not tell.
    var storesRate: Bool?
    /// Whether four numbers of Keras 3's LossScaleOptimizer come first.
    var scalesLoss = false

    init(storesRate: Bool? = nil, scalesLoss: Bool = false) {
      self.storesRate = storesRate
      self.scalesLoss = scalesLoss
    }

    init(of entry: OptimizerEntry?, _ dialect: Dialect) {
      storesRate = dialect == .keras3 ? entry.map { $0.constantLearningRate != nil } : false
      scalesLoss = dialect == .keras3 && entry?.inner != nil
    }
  }

  /// What is known of the order in which the optimizer keeps its variables.
  enum Order {
    /// The trainable variables, in order, from the architecture.
    case known([Owner])
    /// Layers whose relative order the file does not tell: for each class of layer its layers in
    /// order, for each layer its trainable variables in order.
    case anyInterleaving([[[Owner]]])
    /// Layers of unknown classes, in order among the others: only their slots tell which of their
    /// variables are trained.
    case anySelection([Choice], unknownLayers: String)
    /// Nothing, for a reason that the reader should know.
    case unproven(reason: String)
    case unknown
  }

  enum Tie: Hashable {
    case iteration
    case learningRate
    /// A number of the LossScaleOptimizer around the optimizer.
    case lossScale(String)
    case slot(String, owner: VariableID, ownerName: String)
    case untied
  }

  /// One per stored variable, in order.
  private(set) var ties: [Tie]
  private(set) var notes: [String] = []
  /// The only selection of variables that fits the slots, where the ties rest on that.
  private(set) var selection: Selection?

  static let proofBySlots =
    "which variables are trained there is proven by the slots, whose number and shapes no other choice fits"

  /// - Parameters:
  ///   - slots: the slots in the order of saving; nil when the optimizer's class is not known.
  ///   - owners: every model variable, for ties by name.
  ///   - head: what stands before the slots.
  ///   - path: the file, for errors.
  /// - Throws: `inconsistent` when names and order contradict each other, or a slot's shape is not
  ///   its owner's.
  init(
    of stored: [Stored], slots slotOrder: SlotOrder?, owners: [Owner], order: Order,
    head: Head = Head(), path: String
  ) throws(CheckpointError) {
    ties = [Tie](repeating: .untied, count: stored.count)
    let head = head.ties(of: stored)
    for (index, tie) in head.enumerated() { ties[index] = tie }
    let slots = Array(stored.indices.dropFirst(head.count))
    guard !slots.isEmpty else { return }

    let byName = Self.tiesByName(
      stored, slots: slotOrder?.slots ?? SlotOrder.anyClass, owners: owners)
    let byOrder = tiesByOrder(stored, slots, slotOrder: slotOrder, order: order)
    let ownersByID = Dictionary(owners.map { ($0.id, $0) }) { first, _ in first }
    for index in slots {
      switch (byName[index], byOrder?[index]) {
      case (let named?, let ordered?) where named != ordered:
        throw CheckpointError(
          .inconsistent, "cannot read", path: path, object: stored[index].datasetPath,
          expected: "name and position to agree",
          found: "the \(named.words) by its name, the \(ordered.words) by its position",
          cure: "the file was not written by one Keras in one go; restore its weights only")
      case (let tie?, _), (nil, let tie?):
        ties[index] = tie
      case (nil, nil): break
      }
      try Self.checkShape(of: stored[index], tie: ties[index], owners: ownersByID, path: path)
    }
    let untied = slots.filter { ties[$0] == .untied }.count
    if untied > 0 {
      notes.append(
        "\(untied) of \(slots.count) optimizer variables cannot be tied to a model variable:"
          + " positional, unproven")
    }
  }

}

extension SlotTies.Head {
  /// The counter and, if stored, the rate that stand before the slots.
  func ties(of stored: [SlotTies.Stored]) -> [SlotTies.Tie] {
    var head: [SlotTies.Tie] = []
    if scalesLoss, stored.prefix(4).filter({ $0.shape.rank == 0 }).count == 4 {
      head = LossScaleState.names.map { .lossScale($0) }
    }
    let rest = stored.dropFirst(head.count)
    guard let first = rest.first, first.shape.rank == 0 else { return head }
    head.append(.iteration)
    if storesRate ?? true, let second = rest.dropFirst().first, second.shape.rank == 0,
      second.dtype == .float32, second.name.map({ $0.hasSuffix("learning_rate") }) ?? true
    {
      head.append(.learningRate)
    }
    return head
  }
}

// MARK: - Evidence by order

extension SlotTies {
  private mutating func tiesByOrder(
    _ stored: [Stored], _ slots: [Int], slotOrder: SlotOrder?, order: Order
  ) -> [Int: Tie]? {
    guard let slotOrder, let firstGroup = slotOrder.groups.first,
      slots.count.isMultiple(of: slotOrder.slots.count)
    else { return nil }
    let variableCount = slots.count / slotOrder.slots.count
    let owners: [Owner]
    switch order {
    case .known(let known): owners = known
    case .anyInterleaving(let classes):
      let shapes = (0..<variableCount).map { stored[slots[$0 * firstGroup.count]].shape }
      guard let only = Self.onlyInterleaving(of: classes, with: shapes) else { return nil }
      owners = only
    case .anySelection(let choices, let layers):
      let sequence = slotOrder.sequence(variableCount: variableCount)
      var shapes = [Shape?](repeating: nil, count: variableCount)
      for (index, saved) in zip(slots, sequence) where saved.slot == slotOrder.slots[0] {
        shapes[saved.variable] = stored[index].shape
      }
      let isEven = zip(slots, sequence).allSatisfy { stored[$0].shape == shapes[$1.variable] }
      guard isEven,
        let only = Self.onlySelection(of: choices, with: shapes.compactMap { $0 })
      else {
        notes.append(
          "the class of \(layers) is unknown, and the slots do not show which variables are trained there:"
            + " no choice among them fits, or several do")
        return nil
      }
      notes.append("the class of \(layers) is unknown; \(Self.proofBySlots)")
      selection = Selection(choices: choices, shapes: shapes.compactMap { $0 })
      owners = only
    case .unproven(let reason):
      notes.append(reason)
      return nil
    case .unknown: return nil
    }
    guard owners.count == variableCount else {
      notes.append(
        "the optimizer keeps \(slotOrder.slots.filter(\.isProven).map(\.name).joined(separator: " and ")) of"
          + " \(variableCount) variables,"
          + " the model has \(owners.count) trainable ones: layers were frozen or thawed in between"
      )
      return nil
    }
    var ties: [Int: Tie] = [:]
    for (index, saved) in zip(slots, slotOrder.sequence(variableCount: variableCount))
    where saved.slot.isProven {
      let owner = owners[saved.variable]
      ties[index] = .slot(saved.slot.name, owner: owner.id, ownerName: owner.name)
    }
    return ties
  }

  /// The order of layers whose variables have the given shapes, if there is exactly one; layers of
  /// one class keep their order among themselves.
  private static func onlyInterleaving(
    of classes: [[[Owner]]], with shapes: [Shape]
  ) -> [Owner]? {
    var solutions: [[Owner]] = []
    var next = [Int](repeating: 0, count: classes.count)
    var chosen: [Owner] = []
    var steps = 0

    func extend() {
      steps += 1
      guard solutions.count < 2, steps < 100_000 else { return }
      if chosen.count == shapes.count {
        if zip(classes, next).allSatisfy({ $0.count == $1 }) { solutions.append(chosen) }
        return
      }
      for index in classes.indices where next[index] < classes[index].count {
        let layer = classes[index][next[index]]
        let window = shapes.dropFirst(chosen.count).prefix(layer.count)
        guard window.elementsEqual(layer.map(\.shape)) else { continue }
        next[index] += 1
        chosen.append(contentsOf: layer)
        extend()
        chosen.removeLast(layer.count)
        next[index] -= 1
      }
    }
    extend()
    return solutions.count == 1 && steps < 100_000 ? solutions[0] : nil
  }

  private static func checkShape(
    of stored: Stored, tie: Tie, owners: [VariableID: Owner], path: String
  ) throws(CheckpointError) {
    guard case .slot(_, let id, let name) = tie,
      let owner = owners[id], owner.shape != stored.shape
    else { return }
    throw CheckpointError(
      .inconsistent, "cannot read", path: path, object: stored.datasetPath,
      expected: "the \(tie.words) in the shape \(owner.shape) of \(name)", found: "\(stored.shape)",
      cure: "the optimizer state belongs to another model; restore the weights only")
  }
}

extension SlotTies.Tie {
  fileprivate var words: String {
    switch self {
    case .iteration: "iteration"
    case .learningRate: "learning rate"
    case .lossScale(let name): "\(name) of the loss scale"
    case .slot(let slot, _, let ownerName): "\(slot) of \(ownerName)"
    case .untied: "variable of an unknown owner"
    }
  }
}
