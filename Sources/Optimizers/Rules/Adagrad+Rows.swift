internal import CKernels
internal import KerasConfiguration
internal import Tensors

// MARK: - One row

extension Adagrad {
  public func update(_ row: RowUpdate) {
    if row.gradientCount == 1 {
      update(row.elements(gradient: row.gradient(0)))
      return
    }
    switch row.dtype {
    case .float32: updateRepeated(row, as: Float.self)
    case .float64: updateRepeated(row, as: Double.self)
    case .float16: updateRepeated(row, as: Float16.self)
    case .bfloat16: updateRepeated(row, as: BFloat16.self)
    default: preconditionFailure("Adagrad updates no \(row.dtype) variables")
    }
  }

  /// All squares enter the accumulator before the first of the moves, which all divide by the same.
  private func updateRepeated<T: UpdateScalar>(_ row: RowUpdate, as _: T.Type) {
    let variable = row.variable.newElements(of: T.self)
    let accumulator = row.slot(0).newElements(of: T.self)
    let rate = row.scalars.rate(as: T.self)
    let epsilon = T(epsilon)
    for index in 0..<row.gradientCount {
      let gradient = row.gradient(index).assumingMemoryBound(to: T.self)
      for i in 0..<row.count {
        accumulator[i] = accumulator[i] + gradient[i] * gradient[i]
      }
    }
    for index in 0..<row.gradientCount {
      let gradient = row.gradient(index).assumingMemoryBound(to: T.self)
      for i in 0..<row.count {
        variable[i] = variable[i] - (rate * gradient[i]) / T.sqrt(accumulator[i] + epsilon)
      }
    }
  }
}

// MARK: - Many rows

/// A loop of its own over the rows of float32 tables, which saves a call for each row. The bits are those
/// of the rows one after the other.
extension Adagrad {
  func canUpdateRows(_ dtype: DType, _ scalars: StepScalars) -> Bool {
    dtype == .float32 && scalars.arithmetic != .kerasLegacy
  }

  /// Updates the rows of the groups in `range`. `sum` has room for a row if gradients are added up.
  func update(
    _ groups: RowGroups, _ range: Range<Int>, of item: UpdatePlan.Rows, _ accumulator: Plane,
    _ scalars: StepScalars, sum: UnsafeMutableRawPointer?
  ) {
    var some = ck_row_groups(
      count: range.count, width: item.width, rows: groups.rows + range.lowerBound,
      starts: groups.starts + range.lowerBound, positions: groups.positions,
      gradients: item.gradients.assumingMemoryBound(to: Float.self))
    if let sum {
      ck_adagrad_summed_rows_f32(
        &some, scalars.rate(), Float(epsilon), item.variable.newElements(),
        accumulator.newElements(), sum.assumingMemoryBound(to: Float.self))
    } else {
      ck_adagrad_separate_rows_f32(
        &some, scalars.rate(), Float(epsilon), item.variable.newElements(),
        accumulator.newElements())
    }
  }
}
