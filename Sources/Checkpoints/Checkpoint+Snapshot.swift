import Tensors

extension Checkpoint {
  /// The checkpoint as it is now, to be written while training goes on: each tensor is a snapshot
  /// (`Tensor.snapshot()`), beside which updates of all elements write elsewhere and updates of
  /// rows go on in place. No bytes move, but for those of small tensors.
  ///
  /// Let go of this checkpoint before the next step: it is a plain copy, beside which a table is copied
  /// whole.
  public func snapshot() -> Checkpoint {
    var copy = self
    for index in copy.variables.indices {
      copy.variables[index].value = copy.variables[index].value.snapshot()
    }
    if var optimizer = copy.optimizer {
      for index in optimizer.slots.indices {
        optimizer.slots[index].value = optimizer.slots[index].value.snapshot()
      }
      copy.optimizer = optimizer
    }
    if var resumption = copy.resumption {
      for index in resumption.arrays.indices {
        resumption.arrays[index].value = resumption.arrays[index].value.snapshot()
      }
      copy.resumption = resumption
    }
    return copy
  }
}
