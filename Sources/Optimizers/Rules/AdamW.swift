public import KerasConfiguration

/// Adam with decoupled decay of the weights: ``Adam``'s formula and slots, and a decay unless it is
/// said otherwise.
///
///     variable' = variable - (variable * decay) * rate                then as ``Adam``
///
/// The decay is the optimizer's, as it is in Keras; what this rule adds is that there must be one, 0.004
/// by default.
///
/// Source: Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, as in
/// `keras/optimizers/adamw.py` (2.12) and `keras/src/optimizers/adamw.py` (3.15).
public struct AdamW: ScalarUpdateRule, Hashable {
  /// What follows the decay.
  public var adam: Adam

  /// With Keras's defaults, the same in both generations; nothing is refused, as there.
  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
  ) {
    adam = Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
  }

  public var className: String { "AdamW" }

  /// 0.004, as in both generations.
  public var defaultWeightDecay: Double? { 0.004 }

  public func slots(
    for variable: VariableDescription, arithmetic: Arithmetic
  ) -> [SlotDescription] {
    adam.slots(for: variable, arithmetic: arithmetic)
  }

  public func rowHandling(arithmetic: Arithmetic) -> RowHandling {
    adam.rowHandling(arithmetic: arithmetic)
  }

  public func update<T: UpdateScalar>(_ elements: ElementUpdate, as type: T.Type) {
    adam.update(elements, as: type)
  }

  public func update<T: UpdateScalar>(_ row: RowUpdate, as type: T.Type) {
    adam.update(row, as: type)
  }
}
