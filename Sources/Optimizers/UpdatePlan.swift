internal import Tensors

/// The work of one step, cut into pieces for threads: which memory each variable, slot and gradient
/// occupies.
///
/// Sendable although it holds pointers, because it is empty except during
/// ``Optimizer/applyGradients(_:to:)``; what stays from step to step is the room in its arrays.
struct UpdatePlan: @unchecked Sendable {
  /// A variable whose every element is updated: by a gradient, by decay, by its average, or by several
  /// of them, in this order: gradient transformed, decay, rule, average.
  struct Elements {
    let variable: Plane
    /// Nil if the rule does not act.
    var gradient: UnsafeRawPointer?
    /// What becomes of the gradient before the rule sees it.
    var transform = GradientTransform.identity
    var decays = false
    var average: Plane?
    /// Where the rule's slots begin in `slots`, and how many there are.
    var firstSlot = 0
    var slotCount = 0
    let dtype: DType
    let count: Int
  }

  /// A variable of which rows are updated in place. Sendable as the plan is.
  struct Rows: @unchecked Sendable {
    let variable: Plane
    let gradients: UnsafeRawPointer
    /// Where the rule's slots begin in `slots`, and how many there are.
    let firstSlot: Int
    let slotCount: Int
    let dtype: DType
    /// Elements of one row.
    let width: Int
    /// Rows of the whole variable.
    let rowCount: Int
    /// Whether the gradients of a row are added up first, in order of appearance, from zero.
    let sums: Bool
    let handling: RowHandling
  }

  private(set) var elements: [Elements] = []
  /// The number of elements before each of `elements`.
  private(set) var starts: [Int] = []
  private(set) var elementCount = 0
  var slots: [Plane] = []
  /// The elements of the rule's own variables.
  var ownVariables: [UnsafeRawPointer] = []
  /// The snapshots of the variable, and of its slots, of which rows are being updated.
  private(set) var snapshots: [PreImages] = []
  /// Storages that a snapshot might give up while they are read.
  private var keptAlive: [TensorStorage] = []
  /// By position in the call, the place of the variable among the built ones.
  var places: [Int] = []
  /// By position in the call, what becomes of the gradient.
  var transforms: [GradientTransform] = []
  /// By place among the built variables, whether the call has it.
  var isPresent: [Bool] = []
  var grouping = RowGrouping()
  /// By row of a table, its group plus one; see ``RowHandling/everyRow``.
  var groupOfRow: [Int] = []
  /// Partial sums of the squares of one gradient.
  var partialSums: [Double] = []
  /// By gradient, its sum of squares.
  var sumsOfSquares: [Double] = []
  /// Positions of the call's absent gradients; stays until the next call.
  var absent: [Int] = []
  private var gradients: [Gradient] = []
  private var scratchMemory: TensorStorage?
  private var rowMemory: TensorStorage?
  private var threadTeam: ThreadTeam?

  /// Below this many elements a second thread costs more than it gains.
  static let serialElementCount = 1 << 19
  /// Elements that a thread takes at a time.
  static let chunkElementCount = 1 << 16
  /// Elements that go through all stages before the next, few enough to stay in the first-level
  /// cache: so that no stage but the first costs a pass over memory.
  static let blockElementCount = 1024

  mutating func append(_ item: Elements) {
    guard item.count > 0 else { return }
    elements.append(item)
    starts.append(elementCount)
    elementCount += item.count
  }

  /// Each of these must hear of every row before it is changed.
  mutating func tell(_ snapshots: [PreImages]) { self.snapshots += snapshots }

  mutating func forgetSnapshots() { snapshots.removeAll(keepingCapacity: true) }

  mutating func keepAlive(_ storage: TensorStorage) { keptAlive.append(storage) }

  /// At least `byteCount` bytes for the time of this step, the same as in the last if they suffice. A
  /// copy of the optimizer that steps at the same time gets others.
  mutating func scratch(byteCount: Int) -> UnsafeMutableRawPointer {
    Self.room(byteCount, in: &scratchMemory)
  }

  /// As ``scratch(byteCount:)``, apart from it: for the values of row-indexed gradients.
  mutating func rowScratch(byteCount: Int) -> UnsafeMutableRawPointer {
    Self.room(byteCount, in: &rowMemory)
  }

  /// The threads of this step, the same as in the last if it had as many. A copy of the optimizer, which
  /// may step at the same time, gets others.
  mutating func team(threadCount: Int) -> ThreadTeam {
    if isKnownUniquelyReferenced(&threadTeam), let team = threadTeam,
      team.threadCount == threadCount
    {
      return team
    }
    let team = ThreadTeam(threadCount: threadCount)
    threadTeam = team
    return team
  }

  private static func room(
    _ byteCount: Int, in storage: inout TensorStorage?
  ) -> UnsafeMutableRawPointer {
    if isKnownUniquelyReferenced(&storage), let memory = storage, memory.byteCount >= byteCount {
      return memory.base
    }
    let memory = TensorStorage(byteCount: byteCount)
    storage = memory
    return memory.base
  }

  /// The same gradients, in an array that can be changed without a new one.
  mutating func takeGradients(_ given: [Gradient]) -> [Gradient] {
    var taken: [Gradient] = []
    swap(&taken, &gradients)
    taken.append(contentsOf: given)
    return taken
  }

  /// Lets go of what ``takeGradients(_:)`` gave, keeping its room.
  mutating func giveBack(_ taken: inout [Gradient]) {
    taken.removeAll(keepingCapacity: true)
    swap(&taken, &gradients)
  }

  /// Forgets the elements, keeping their room.
  mutating func removeElements() {
    elements.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    elementCount = 0
  }

  /// Forgets everything but the room.
  mutating func removeAll() {
    removeElements()
    slots.removeAll(keepingCapacity: true)
    ownVariables.removeAll(keepingCapacity: true)
    keptAlive.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    transforms.removeAll(keepingCapacity: true)
    sumsOfSquares.removeAll(keepingCapacity: true)
    isPresent.removeAll(keepingCapacity: true)
  }
}

/// What all pieces of one step share.
struct StepWork {
  let rule: any UpdateRule
  /// The rule, if it is Adagrad: it can take a gradient through all stages, and many rows, in one loop.
  let adagrad: Adagrad?
  let scalars: StepScalars
  let decay: DecayUpdate?
  let average: AverageUpdate?
  let team: ThreadTeam
}
