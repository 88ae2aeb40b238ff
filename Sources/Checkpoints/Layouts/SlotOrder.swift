import KerasConfiguration

/// The slots that an optimizer keeps per variable, in the order in which Keras saves them.
struct SlotOrder: Hashable {
  struct Slot: Hashable {
    /// The canonical name, the same in every dialect: `momentum`.
    let name: String
    /// The name in files that name slots, such as Keras 2's `m`.
    let storedName: String

    init(_ name: String, storedName: String? = nil) {
      self.name = name
      self.storedName = storedName ?? name
    }

    /// A block of which it is not known what it is.
    static let unproven = Slot("")
    var isProven: Bool { self != .unproven }
  }

  /// One block over all trainable variables for each group. Inside a block the variables follow one
  /// another, each with all slots of the group: Adam's momentum and velocity alternate.
  var groups: [[Slot]]

  /// Every slot of one variable.
  var slots: [Slot] { groups.flatMap { $0 } }

  /// What is saved for a number of variables: slot and variable, in order.
  func sequence(variableCount: Int) -> [(slot: Slot, variable: Int)] {
    groups.flatMap { group in
      (0..<variableCount).flatMap { variable in group.map { ($0, variable) } }
    }
  }
}

// MARK: - Of which optimizer

extension OptimizerEntry {
  /// The slots of this optimizer in a file of `dialect`, which need not be that of the configuration;
  /// nil for a class whose slots are not known.
  func slotOrder(in dialect: Dialect) -> SlotOrder? {
    if let inner { return inner.slotOrder(in: dialect) }
    func isOn(_ key: String) -> Bool { configuration[key]?.bool == true }
    func number(_ key: String) -> Double { configuration[key]?.double ?? 0 }
    guard let className else { return nil }
    let rule = SlotOrder.ofRule(
      className: className, momentum: number("momentum"), isCentered: isOn("centered"),
      isAMSGrad: isOn("amsgrad"), dialect: dialect, isLegacy: isLegacyClass)
    guard let rule else { return nil }
    var base: [[SlotOrder.Slot]] = []
    if isOn("use_ema") { base.append([.init("average")]) }
    if let steps = configuration["gradient_accumulation_steps"]?.int, steps > 0 {
      base.append([.init("gradient_accumulator")])
    }
    return SlotOrder(groups: base + rule)
  }
}

extension SlotOrder {
  /// The slots of the rule itself, without the base class's; nil for a class that is not known.
  fileprivate static func ofRule(
    className: String, momentum: Double, isCentered: Bool, isAMSGrad: Bool, dialect: Dialect,
    isLegacy: Bool
  ) -> [[Slot]]? {
    let isKeras2 = dialect != .keras3
    switch className.lowercased() {
    case "adagrad":
      return [[Slot("accumulator")]]
    case "sgd":
      // Keras 2 keeps it at momentum 0, too, except in the legacy class.
      guard momentum != 0 || (isKeras2 && !isLegacy) else { return [] }
      return [[Slot("momentum", storedName: isKeras2 && !isLegacy ? "m" : nil)]]
    case "rmsprop":
      var groups = [[Slot("velocity", storedName: isLegacy ? "rms" : nil)]]
      if momentum > 0 { groups.append([Slot("momentum")]) }
      if isCentered {
        groups.append([Slot("average_gradient", storedName: isLegacy ? "mg" : nil)])
      }
      return groups
    case "adam", "adamw":
      let first = Slot("momentum", storedName: isKeras2 ? "m" : nil)
      let second = Slot("velocity", storedName: isKeras2 ? "v" : nil)
      var groups = isLegacy ? [[first], [second]] : [[first, second]]
      if isAMSGrad { groups.append([Slot("velocity_hat", storedName: isKeras2 ? "vhat" : nil)]) }
      return groups
    default: return nil
    }
  }

  /// The only order that an optimizer of a class can have that keeps so many slots per variable, without
  /// accumulation of gradients; nil if there are several or none. For files of Keras 3 without
  /// configuration.
  static func only(className: String, slotCount: Int) -> SlotOrder? {
    let flags = [false, true]
    var found: Set<SlotOrder> = []
    for usesAverages in flags {
      for hasMomentum in flags {
        for isOn in flags {
          let rule = ofRule(
            className: className, momentum: hasMomentum ? 1 : 0, isCentered: isOn,
            isAMSGrad: isOn, dialect: .keras3, isLegacy: false)
          guard let rule else { return nil }
          let order = SlotOrder(groups: (usesAverages ? [[Slot("average")]] : []) + rule)
          if order.slots.count == slotCount { found.insert(order) }
        }
      }
    }
    return found.count == 1 ? found.first : nil
  }

  /// The words for slots of any known class, for files that do not tell the class. Where a stored name
  /// means different slots of different classes, the more common.
  static let anyClass: [Slot] = [
    Slot("accumulator"), Slot("average"), Slot("gradient_accumulator"),
    Slot("momentum"), Slot("momentum", storedName: "m"), Slot("velocity"),
    Slot("velocity", storedName: "v"), Slot("velocity", storedName: "rms"),
    Slot("velocity_hat"), Slot("velocity_hat", storedName: "vhat"), Slot("average_gradient"),
    Slot("average_gradient", storedName: "mg"),
  ]
}
