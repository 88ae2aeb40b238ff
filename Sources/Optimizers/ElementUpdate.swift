public import Tensors

/// One array of a step, before and after: the same memory when it is updated in place, two arrays
/// that do not overlap when a snapshot still holds the old values. Valid only during the call that
/// passes it.
public struct Plane {
  /// The values before the step.
  public let old: UnsafeRawPointer
  /// Where the values after the step go.
  public let new: UnsafeMutableRawPointer

  /// `old` and `new` are equal, or do not overlap.
  public init(old: UnsafeRawPointer, new: UnsafeMutableRawPointer) {
    self.old = old
    self.new = new
  }

  /// An array that is updated in place.
  init(inPlace base: UnsafeMutableRawPointer) {
    old = UnsafeRawPointer(base)
    new = base
  }

  func advanced(by byteCount: Int) -> Plane {
    Plane(old: old + byteCount, new: new + byteCount)
  }
}

/// Consecutive elements of one variable, and the same elements of its slots and its gradient.
public struct ElementUpdate {
  /// The type of all the elements.
  public let dtype: DType
  /// How many elements there are.
  public let count: Int
  /// The variable's elements.
  public let variable: Plane
  /// The gradient's elements, after clipping: `count` of `dtype`.
  public let gradient: UnsafeRawPointer
  /// What all updates of the step share: rate, counter, arithmetic.
  public let scalars: StepScalars
  let slots: UnsafeBufferPointer<Plane>
  let byteOffset: Int
  let ownVariables: UnsafeBufferPointer<UnsafeRawPointer>

  /// The elements of the rule's own variable at `index`, in the order of
  /// ``UpdateRule/ownVariables(arithmetic:)``, as ``UpdateRule/beginStep(_:ownVariables:)`` left them.
  public func ownVariable(_ index: Int) -> UnsafeRawPointer { ownVariables[index] }

  /// The rule's slot at `index`, in the order of ``UpdateRule/slots(for:arithmetic:)``.
  public func slot(_ index: Int) -> Plane { slots[index].advanced(by: byteOffset) }
}

/// One row of a variable, updated in place, with the gradients that name it.
public struct RowUpdate {
  /// The type of all the elements.
  public let dtype: DType
  /// How many elements a row has.
  public let count: Int
  /// The row of the variable; its planes are in place.
  public let variable: Plane
  /// What all updates of the step share: rate, counter, arithmetic.
  public let scalars: StepScalars
  /// How many gradients name this row; at least one unless the rule updates every row.
  public let gradientCount: Int
  let slots: UnsafeBufferPointer<Plane>
  let byteOffset: Int
  let gradients: UnsafeRawPointer
  /// Which rows of `gradients` these are; nil for the first.
  let positions: UnsafePointer<Int>?
  let ownVariables: UnsafeBufferPointer<UnsafeRawPointer>

  /// As ``ElementUpdate/ownVariable(_:)``.
  public func ownVariable(_ index: Int) -> UnsafeRawPointer { ownVariables[index] }

  /// The row's gradient number `index`, in order of appearance; `count` elements.
  public func gradient(_ index: Int) -> UnsafeRawPointer {
    gradients + (positions?[index] ?? 0) * count * dtype.byteCount
  }

  /// This row of the rule's slot at `index`.
  public func slot(_ index: Int) -> Plane { slots[index].advanced(by: byteOffset) }

  /// The row as if it were a piece of a variable with this one dense gradient.
  public func elements(gradient: UnsafeRawPointer) -> ElementUpdate {
    ElementUpdate(
      dtype: dtype, count: count, variable: variable, gradient: gradient, scalars: scalars,
      slots: slots, byteOffset: byteOffset, ownVariables: ownVariables)
  }

  /// The row with one gradient in place of those that it has.
  func withOnlyGradient(_ gradient: UnsafeRawPointer) -> RowUpdate {
    RowUpdate(
      dtype: dtype, count: count, variable: variable, scalars: scalars, gradientCount: 1,
      slots: slots, byteOffset: byteOffset, gradients: gradient, positions: nil,
      ownVariables: ownVariables)
  }
}
