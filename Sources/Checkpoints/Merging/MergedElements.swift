import Tensors

/// How a unit that both sides changed is made of the two.
enum UnitOperation {
  case ours, theirs, mean, sum
}

/// The elements of a merged piece.
enum MergedElements {
  /// Puts into a copy of ours what the rule and the strategy make of each unit.
  ///
  /// Numbers are computed in double and rounded once. An element that one side alone changed is taken from
  /// there as it is; integers and Bool that both changed stay as ours has them, unless theirs are asked for.
  ///
  /// - Parameters:
  ///   - rows: of the tensor.
  ///   - operation: for a unit, counted from the tensor's beginning, what is made of it; nil for what was
  ///     changed by one side at most.
  static func merge(
    rows: Range<Int>, isRowWise: Bool, base: Tensor, ours: Tensor, theirs: Tensor,
    _ operation: (_ unit: Int) -> UnitOperation?
  ) -> Tensor {
    var merged = ours
    func merge<Element: TensorElement>(_: Element.Type) {
      merged.withMutableElements(of: Element.self) { merged in
        base.withElements(of: Element.self) { base in
          theirs.withElements(of: Element.self) { theirs in
            guard isRowWise else {
              apply(operation(0), merged.indices, merged, base, theirs)
              return
            }
            let width = merged.count / max(rows.count, 1)
            for (index, row) in rows.enumerated() {
              apply(operation(row), index * width..<(index + 1) * width, merged, base, theirs)
            }
          }
        }
      }
    }
    ours.dtype.withElementType { merge($0) }
    return merged
  }

  /// - Parameter merged: ours before.
  private static func apply<Element: TensorElement>(
    _ operation: UnitOperation?, _ range: Range<Int>, _ merged: UnsafeMutableBufferPointer<Element>,
    _ base: UnsafeBufferPointer<Element>, _ theirs: UnsafeBufferPointer<Element>
  ) {
    switch operation {
    case .ours: return
    case .theirs: for index in range { merged[index] = theirs[index] }
    case nil:
      // At most one side changed the unit.
      for index in range where merged[index].isIdentical(to: base[index]) {
        merged[index] = theirs[index]
      }
    case .mean:
      for index in range where !merged[index].isIdentical(to: theirs[index]) {
        guard case .floating(let a) = merged[index].number,
          case .floating(let b) = theirs[index].number
        else { continue }
        merged[index] = Element(rounding: .floating(a / 2 + b / 2))
      }
    case .sum:
      for index in range {
        if merged[index].isIdentical(to: base[index]) {
          merged[index] = theirs[index]
        } else if !theirs[index].isIdentical(to: base[index]),
          case .floating(let a) = merged[index].number,
          case .floating(let b) = theirs[index].number,
          case .floating(let start) = base[index].number
        {
          merged[index] = Element(rounding: .floating(start + (a - start) + (b - start)))
        }
      }
    }
  }
}
