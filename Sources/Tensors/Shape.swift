/// The extents of a tensor, outermost axis first; `[]` is a scalar.
public struct Shape: Sendable, Hashable {
  public let dimensions: [Int]

  /// Traps when an extent is negative or the element count overflows `Int`; a reader of untrusted
  /// files uses ``init(validating:)``.
  public init(_ dimensions: [Int]) {
    guard let shape = Shape(validating: dimensions) else {
      preconditionFailure("shape \(dimensions) has a negative extent or too many elements")
    }
    self = shape
  }

  /// Nil when an extent is negative or the element count overflows `Int`.
  public init?(validating dimensions: [Int]) {
    var count = 1
    for extent in dimensions {
      guard extent >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { return nil }
      count = product
    }
    self.dimensions = dimensions
  }

  /// The number of axes; 0 for a scalar.
  public var rank: Int { dimensions.count }

  /// The product of the extents; 1 for a scalar, 0 if any extent is 0.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The extent of one axis; negative indices count from the last axis.
  public subscript(axis: Int) -> Int { dimensions[axis < 0 ? axis + rank : axis] }

  /// The shape of one row: all axes but the first. Traps on a scalar.
  public var row: Shape { Shape(Array(dimensions.dropFirst())) }
}

extension Shape: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
  /// As Python prints it: `()`, `(3,)`, `(3, 4)`.
  public var description: String {
    let extents = dimensions.map(String.init).joined(separator: ", ")
    return rank == 1 ? "(\(extents),)" : "(\(extents))"
  }
}
