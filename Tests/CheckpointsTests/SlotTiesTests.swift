import KerasConfiguration
import Tensors
import Testing

@testable import Checkpoints

@Suite("Ties between slots and variables") struct SlotTiesTests {
  private static func owner(_ layer: String, _ own: String, _ shape: Shape) -> SlotTies.Owner {
    SlotTies.Owner(
      id: VariableID(layer: [layer], index: own == "kernel" ? 0 : 1), name: "\(layer)/\(own)",
      storedName: "\(layer)/\(own)", shape: shape)
  }

  private static func stored(_ name: String?, _ shape: Shape) -> SlotTies.Stored {
    SlotTies.Stored(
      name: name, datasetPath: name ?? "?", shape: shape,
      dtype: name?.hasSuffix("iteration") ?? (shape.rank == 0) ? .int64 : .float32)
  }

  /// One block for each slot.
  private static func order(_ slots: String...) -> SlotOrder {
    SlotOrder(groups: slots.map { [.init($0)] })
  }

  private let kernel = Self.owner("a", "kernel", [2, 2])
  private let other = Self.owner("b", "kernel", [2, 2])

  private func slot(_ name: String, _ owner: SlotTies.Owner) -> SlotTies.Tie {
    .slot(name, owner: owner.id, ownerName: owner.name)
  }

  @Test(
    "a name ties a slot in every spelling of Keras",
    arguments: [
      "accumulator/a/kernel:0", "Adagrad/accumulator/a/kernel:0",
      "cond_1/Adagrad/accumulator/a/kernel:0", "Adagrad/a/kernel/accumulator:0",
      "adagrad/a_kernel_accumulator",
    ])
  func spellings(name: String) throws {
    let ties = try SlotTies(
      of: [Self.stored("iteration", []), Self.stored(name, [2, 2])], slots: nil,
      owners: [kernel, other], order: .unknown, path: "x")
    #expect(ties.ties == [.iteration, slot("accumulator", kernel)])
  }

  @Test(
    "a name ties the slots of every rule",
    arguments: [
      ("Adam/m/a/kernel:0", "momentum"), ("Adam/v/a/kernel:0", "velocity"),
      ("Adam/vhat/a/kernel:0", "velocity_hat"), ("Adam/a/kernel/vhat:0", "velocity_hat"),
      ("RMSprop/a/kernel/rms:0", "velocity"), ("RMSprop/a/kernel/mg:0", "average_gradient"),
      ("RMSprop/average_gradient/a/kernel:0", "average_gradient"),
      ("adam/a_kernel_velocity", "velocity"), ("adam/a_kernel_velocity_hat", "velocity_hat"),
      ("rm_sprop/a_kernel_average_gradient", "average_gradient"),
      ("sgd/a_kernel_momentum", "momentum"),
    ])
  func rules(name: String, slot slotName: String) throws {
    let ties = try SlotTies(
      of: [Self.stored("iteration", []), Self.stored(name, [2, 2])], slots: nil,
      owners: [kernel, other], order: .unknown, path: "x")
    #expect(ties.ties == [.iteration, slot(slotName, kernel)])
  }

  @Test("momentum and velocity alternate by position, and the rest follows in blocks")
  func alternating() throws {
    let entry = OptimizerEntry(
      json: ["class_name": "Adam", "config": ["amsgrad": true, "use_ema": true]],
      dialect: .keras3)
    let ties = try SlotTies(
      of: [Self.stored(nil, [])] + (0..<8).map { _ in Self.stored(nil, [2, 2]) },
      slots: entry.slotOrder(in: .keras3), owners: [kernel, other], order: .known([kernel, other]),
      path: "x")
    #expect(
      ties.ties == [
        .iteration, slot("average", kernel), slot("average", other), slot("momentum", kernel),
        slot("velocity", kernel), slot("momentum", other), slot("velocity", other),
        slot("velocity_hat", kernel), slot("velocity_hat", other),
      ])
  }

  @Test("a gradient accumulator is not taken for an accumulator")
  func gradientAccumulator() throws {
    let ties = try SlotTies(
      of: [
        Self.stored("iteration", []), Self.stored("adagrad/a_kernel_gradient_accumulator", [2, 2]),
      ], slots: nil, owners: [kernel], order: .unknown, path: "x")
    #expect(ties.ties[1] == slot("gradient_accumulator", kernel))
  }

  @Test("a name that fits two variables ties none")
  func ambiguousName() throws {
    // Keras 3 turns the slashes of both a/b/kernel and a_b/kernel into underscores.
    let first = SlotTies.Owner(
      id: VariableID(layer: ["a", "b"], index: 0), name: "a/b/kernel", storedName: "a/b/kernel",
      shape: [2])
    let second = SlotTies.Owner(
      id: VariableID(layer: ["a_b"], index: 0), name: "a_b/kernel", storedName: "a_b/kernel",
      shape: [2])
    let ties = try SlotTies(
      of: [Self.stored("iteration", []), Self.stored("adagrad/a_b_kernel_accumulator", [2])],
      slots: nil, owners: [first, second], order: .unknown, path: "x")
    #expect(ties.ties[1] == .untied)
    #expect(ties.notes.count == 1)
  }

  @Test("names and order that contradict each other are an error that shows both")
  func contradiction() throws {
    let error = try #require(throws: CheckpointError.self) {
      _ = try SlotTies(
        of: [
          Self.stored("iteration", []), Self.stored("accumulator/b/kernel:0", [2, 2]),
          Self.stored("accumulator/a/kernel:0", [2, 2]),
        ], slots: Self.order("accumulator"), owners: [kernel, other],
        order: .known([kernel, other]),
        path: "x")
    }
    #expect(error.kind == .inconsistent)
    #expect(error.problem.contains("accumulator of b/kernel"))
    #expect(error.problem.contains("accumulator of a/kernel"))
  }

  @Test("a slot of another shape than its variable is an error")
  func shape() {
    #expect(throws: CheckpointError.self) {
      _ = try SlotTies(
        of: [Self.stored("iteration", []), Self.stored("accumulator/a/kernel:0", [4])],
        slots: nil, owners: [kernel], order: .unknown, path: "x")
    }
  }

  @Test("positions alone tie slots where the architecture tells the order, block by block")
  func positions() throws {
    let ties = try SlotTies(
      of: [Self.stored(nil, [])] + (0..<4).map { _ in Self.stored(nil, [2, 2]) },
      slots: Self.order("average", "accumulator"), owners: [kernel, other],
      order: .known([kernel, other]), path: "x")
    #expect(
      ties.ties == [
        .iteration, slot("average", kernel), slot("average", other), slot("accumulator", kernel),
        slot("accumulator", other),
      ])
  }

  @Test("shapes prove an order only where they admit a single one")
  func interleavings() throws {
    let wide = Self.owner("c", "kernel", [3, 5])
    func ties(_ classes: [[[SlotTies.Owner]]], _ shapes: [Shape]) throws -> SlotTies {
      try SlotTies(
        of: [Self.stored(nil, [])] + shapes.map { Self.stored(nil, $0) },
        slots: Self.order("accumulator"), owners: [kernel, other, wide],
        order: .anyInterleaving(classes), path: "x")
    }
    // Two layers of one class keep their order; the third stands where its shape says.
    let proven = try ties([[[kernel], [other]], [[wide]]], [[2, 2], [3, 5], [2, 2]])
    #expect(
      proven.ties.dropFirst() == [
        slot("accumulator", kernel), slot("accumulator", wide), slot("accumulator", other),
      ])
    // Layers of two classes with equal shapes could stand in either order.
    let open = try ties([[[kernel]], [[other]]], [[2, 2], [2, 2]])
    #expect(open.ties.dropFirst() == [.untied, .untied])
    #expect(open.notes.count == 1)
  }

  @Test("a count that is not the model's ties nothing by position, and a note says so")
  func frozenInBetween() throws {
    let ties = try SlotTies(
      of: [Self.stored(nil, []), Self.stored(nil, [2, 2])], slots: Self.order("accumulator"),
      owners: [kernel, other], order: .known([kernel, other]), path: "x")
    #expect(ties.ties == [.iteration, .untied])
    #expect(ties.notes.contains { $0.contains("frozen") })
  }

  @Test("the four numbers of a loss scale come before the optimizer's own")
  func lossScale() throws {
    let scalars: [(Shape, DType)] = [
      ([], .int64), ([], .float32), ([], .int64), ([], .float32), ([], .int64), ([], .float32),
      ([2, 2], .float32),
    ]
    let ties = try SlotTies(
      of: scalars.map { .init(name: nil, datasetPath: "?", shape: $0, dtype: $1) },
      slots: Self.order("accumulator"), owners: [kernel], order: .known([kernel]),
      head: .init(scalesLoss: true), path: "x")
    #expect(
      ties.ties == [
        .lossScale("iteration"), .lossScale("learning_rate"), .lossScale("step_counter"),
        .lossScale("dynamic_scale"), .iteration, .learningRate, slot("accumulator", kernel),
      ])
  }

  @Test("a scalar variable's slot is not taken for a rate where none is stored")
  func scalarSlot() throws {
    let gain = SlotTies.Owner(
      id: VariableID(layer: [], index: 0), name: "gain", storedName: nil, shape: [])
    let ties = try SlotTies(
      of: [
        .init(name: nil, datasetPath: "0", shape: [], dtype: .int64),
        .init(name: nil, datasetPath: "1", shape: [], dtype: .float32),
      ], slots: Self.order("accumulator"), owners: [gain], order: .known([gain]),
      head: .init(storesRate: false), path: "x")
    #expect(ties.ties == [.iteration, slot("accumulator", gain)])
  }

  @Test("integers own no slots: a quantized kernel is not the one that was trained")
  func integers() {
    func entry(_ dtype: DType) -> CheckpointEntry {
      CheckpointEntry(
        name: "a/kernel", role: .weight(VariableID(layer: ["a"], index: 0)), datasetPath: "a",
        shape: [2, 2], dtype: dtype, storedType: dtype.rawValue, byteCount: 4)
    }
    #expect(SlotTies.Owner(entry(.int8), storedName: nil) == nil)
    #expect(SlotTies.Owner(entry(.bfloat16), storedName: nil) != nil)
  }

  @Test("without a configuration, the blocks of slots are named only where their number proves it")
  func blocks() {
    func names(_ shapes: [Shape], of count: Int, _ className: String? = "Adagrad") -> [String?]? {
      WeightsLayout.impliedSlots(className: className, shapes: shapes, trainableCount: count)?
        .slots.map { $0.isProven ? $0.name : nil }
    }
    let layer: [Shape] = [[2, 3], [3]]
    #expect(names(layer, of: 2) == ["accumulator"])
    // Averages or gradient accumulators?
    #expect(names(layer + layer, of: 2) == [nil, "accumulator"])
    #expect(
      names(layer + layer + layer, of: 2) == ["average", "gradient_accumulator", "accumulator"])
    // Accumulators of two layers, or averages and accumulators of one that is not frozen?
    #expect(names(layer + layer, of: 4) == nil)
    #expect(names(layer + [[3, 4], [4]], of: 4) == ["accumulator"])
    #expect(names(layer, of: 4) == nil)
    #expect(names(layer, of: 2, nil) == nil)
    #expect(names(layer + layer + layer + layer, of: 2) == nil)
  }

  @Test("a selection of variables is proven only where no other fits the slots")
  func selections() {
    func unknown(_ index: Int, _ shape: Shape) -> SlotTies.Owner {
      SlotTies.Owner(
        id: VariableID(layer: ["u"], index: index), name: "u/#\(index)", storedName: nil,
        shape: shape)
    }
    func names(_ choices: [SlotTies.Choice], _ shapes: [Shape]) -> [String]? {
      SlotTies.onlySelection(of: choices, with: shapes)?.map(\.name)
    }
    let (first, second, third) = (unknown(0, [2]), unknown(1, [2]), unknown(2, []))
    let dense = SlotTies.Choice([[kernel], []], configuredCount: 1)
    let frozen = SlotTies.Choice([[], [other]], configuredCount: 1)
    // Keras 2: the first ones.
    let prefixes = SlotTies.Choice([[], [first], [first, second], [first, second, third]])
    #expect(names([dense, prefixes], [[2, 2], [2]]) == ["a/kernel", "u/#0"])
    #expect(names([dense, prefixes], [[2, 2]]) == ["a/kernel"])
    #expect(names([dense, prefixes], [[2, 2], []]) == nil)
    // Keras 3: any of them, so that one of two alike stays open.
    let any = [first, second, third].map { SlotTies.Choice([[], [$0]]) }
    #expect(names([dense] + any, [[2, 2], [2]]) == nil)
    #expect(names([dense] + any, [[2, 2], [2], [2]]) == ["a/kernel", "u/#0", "u/#1"])
    #expect(names([dense] + any, [[2, 2], []]) == ["a/kernel", "u/#2"])
    // A slot of [2, 2] may be that of a layer that was thawed or frozen meanwhile.
    #expect(names([dense, frozen] + any, [[2, 2]]) == nil)
    #expect(names([frozen] + any, [[2, 2], []]) == nil)
  }

  @Test("two unknown layers share their slots out only where their shapes differ")
  func twoSelections() {
    func prefixes(_ layer: String, _ shape: Shape) -> SlotTies.Choice {
      let owners = (0..<2).map {
        SlotTies.Owner(
          id: VariableID(layer: [layer], index: $0), name: "\(layer)/#\($0)", storedName: nil,
          shape: shape)
      }
      return SlotTies.Choice((0...2).map { Array(owners.prefix($0)) })
    }
    func count(_ shapes: [Shape], _ second: Shape) -> Int? {
      SlotTies.onlySelection(of: [prefixes("a", [2]), prefixes("b", second)], with: shapes)?.count
    }
    #expect(count([[2], [2]], [2]) == nil)
    #expect(count([[2], [2], [2], [2]], [2]) == 4)
    #expect(count([[2], [3], [3]], [3]) == 3)
  }
}
