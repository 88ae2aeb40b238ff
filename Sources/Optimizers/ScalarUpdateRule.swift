public import Tensors

/// A rule whose formula is written once for every dtype, as functions over an element type.
///
/// Conform to this rather than to ``UpdateRule`` unless a dtype needs code of its own.
public protocol ScalarUpdateRule: UpdateRule {
  /// As ``UpdateRule/update(_:)-(ElementUpdate)``, for elements of type `T`.
  func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type)

  /// As ``UpdateRule/update(_:)-(RowUpdate)``, for elements of type `T`. By default the dense update,
  /// once with each of the row's gradients, in order of appearance; nothing for a row without gradient.
  func update<T: UpdateScalar>(_ row: RowUpdate, as _: T.Type)
}

extension ScalarUpdateRule {
  // Inlinable, so that the functions of a rule in another module are specialized there for each dtype.

  @inlinable
  public func update(_ elements: ElementUpdate) {
    switch elements.dtype {
    case .float32: update(elements, as: Float.self)
    case .float64: update(elements, as: Double.self)
    case .float16: update(elements, as: Float16.self)
    case .bfloat16: update(elements, as: BFloat16.self)
    default: preconditionFailure("\(className) updates no \(elements.dtype) variables")
    }
  }

  @inlinable
  public func update<T: UpdateScalar>(_ row: RowUpdate, as type: T.Type) {
    for index in 0..<row.gradientCount {
      update(row.elements(gradient: row.gradient(index)), as: type)
    }
  }

  @inlinable
  public func update(_ row: RowUpdate) {
    switch row.dtype {
    case .float32: update(row, as: Float.self)
    case .float64: update(row, as: Double.self)
    case .float16: update(row, as: Float16.self)
    case .bfloat16: update(row, as: BFloat16.self)
    default: preconditionFailure("\(className) updates no \(row.dtype) variables")
    }
  }
}

// MARK: - Elements

extension ElementUpdate {
  /// The gradient's elements; `count` of them.
  public func gradientElements<T: UpdateScalar>(of _: T.Type = T.self) -> UnsafePointer<T> {
    gradient.assumingMemoryBound(to: T.self)
  }
}

extension RowUpdate {
  /// The elements of the row's gradient number `index`, in order of appearance; `count` of them.
  public func gradientElements<T: UpdateScalar>(
    _ index: Int, of _: T.Type = T.self
  ) -> UnsafePointer<T> {
    gradient(index).assumingMemoryBound(to: T.self)
  }

  /// The sum, from zero and in order of appearance, of what `term` makes of element `i` of each of the
  /// row's gradients; zero for a row without gradient.
  func sum<T: UpdateScalar>(at i: Int, of term: (T) -> T) -> T {
    var sum = T(0.0)
    for index in 0..<gradientCount { sum = sum + term(gradientElements(index)[i]) }
    return sum
  }
}
