public import Tensors

/// The slot variables of an optimizer: by slot name in the order in which Keras saves them, and within
/// a slot in the order of the variables that the optimizer was built for.
public struct Slots: Sendable {
  /// The variables that the optimizer was built for, in that order.
  public let variables: [VariableDescription]
  /// The names of the slots, in the order of saving: `average` first if there are averages, then the
  /// rule's.
  public let names: [String]
  /// By slot, then by variable.
  var tensors: [[Tensor?]]
  private let places: [VariableID: Int]

  init(variables: [VariableDescription], names: [String], tensors: [[Tensor?]]) {
    self.variables = variables
    self.names = names
    self.tensors = tensors
    places = Dictionary(
      zip(variables.lazy.map(\.id), variables.indices), uniquingKeysWith: { first, _ in first })
  }

  /// One tensor per variable, in their order, nil where a variable has no such slot; nil if there is no
  /// slot of that name.
  public subscript(name: String) -> [Tensor?]? {
    names.firstIndex(of: name).map { tensors[$0] }
  }

  /// One slot of one variable; nil if there is none.
  public subscript(name: String, variable: VariableID) -> Tensor? {
    guard let slot = names.firstIndex(of: name), let place = places[variable] else { return nil }
    return tensors[slot][place]
  }

  /// Where `variable` stands among ``variables``. `guess` is looked at first: a step usually passes
  /// the variables in the order of building.
  func place(of variable: VariableID, guess: Int) -> Int? {
    if guess < variables.count, variables[guess].id == variable { return guess }
    return places[variable]
  }
}

/// Which slot variable: its slot's name and the variable that it belongs to.
public struct SlotID: Sendable, Hashable {
  /// The slot's canonical name, such as `accumulator`.
  public let slot: String
  /// The model variable that it belongs to.
  public let variable: VariableID

  /// The slot `slot` of `variable`; whether an optimizer has it is not asked.
  public init(slot: String, variable: VariableID) {
    self.slot = slot
    self.variable = variable
  }
}
