internal import CKernels
internal import Tensors

extension UpdatePlan {
  static let serialRowElementCount = 1 << 16
  static let chunkRowElementCount = 1 << 14

  /// Updates the rows that `grouping` holds, or every row if the rule wants it so.
  mutating func runRows(_ item: Rows, _ work: StepWork) {
    if item.handling == .everyRow { indexGroups(rowCount: item.rowCount) }
    let sumByteCount = item.sums ? item.width * item.dtype.byteCount : 0
    let sums = item.sums ? scratch(byteCount: max(1, sumByteCount * work.threadCount)) : nil
    run(item, work, sums, sumByteCount)
    forgetSnapshots()
  }

  /// Apart, so that the copy of the plan is gone when this returns, and its room can be used again.
  @inline(never)
  private func run(
    _ item: Rows, _ work: StepWork, _ sums: UnsafeMutableRawPointer?, _ sumByteCount: Int
  ) {
    let width = max(1, item.width)
    let run = RowRun(plan: self, item: item, work: work, sums: sums, sumByteCount: sumByteCount)
    parallel(
      count: item.handling == .everyRow ? item.rowCount : grouping.rows.count,
      chunk: max(1, Self.chunkRowElementCount / width),
      serialBelow: max(2, Self.serialRowElementCount / width), threadCount: work.threadCount
    ) { range, thread in run.update(range, thread: thread) }
  }

  /// Fills `groupOfRow`.
  private mutating func indexGroups(rowCount: Int) {
    groupOfRow.removeAll(keepingCapacity: true)
    groupOfRow.append(contentsOf: repeatElement(0, count: rowCount))
    for (group, row) in grouping.rows.enumerated() { groupOfRow[row] = group + 1 }
  }
}

/// One pass over rows. Sendable as the plan is: threads get rows of their own.
private struct RowRun: @unchecked Sendable {
  let plan: UpdatePlan
  let item: UpdatePlan.Rows
  let work: StepWork
  let sums: UnsafeMutableRawPointer?
  let sumByteCount: Int

  private static let prefetchDistance = 4

  /// Updates some groups, or some rows where every row is updated.
  func update(_ range: Range<Int>, thread: Int) {
    let sum = sums.map { $0 + thread * sumByteCount }
    plan.slots.withUnsafeBufferPointer { slots in
      plan.ownVariables.withUnsafeBufferPointer { ownVariables in
        let slots = UnsafeBufferPointer(
          rebasing: slots[item.firstSlot..<item.firstSlot + item.slotCount])
        for position in range {
          if item.handling == .everyRow {
            let group = plan.groupOfRow[position] - 1
            update(row: position, group: group < 0 ? nil : group, sum, slots, ownVariables)
          } else {
            if position + Self.prefetchDistance < range.upperBound {
              prefetch(row: plan.grouping.rows[position + Self.prefetchDistance], slots)
            }
            update(
              row: plan.grouping.rows[position], group: position, sum, slots, ownVariables)
          }
        }
      }
    }
  }

  private func update(
    row: Int, group: Int?, _ sum: UnsafeMutableRawPointer?, _ slots: UnsafeBufferPointer<Plane>,
    _ ownVariables: UnsafeBufferPointer<UnsafeRawPointer>
  ) {
    let byteOffset = row * item.width * item.dtype.byteCount
    plan.preserve(byteOffset..<byteOffset + item.width * item.dtype.byteCount)
    let start = group.map { plan.grouping.starts[$0] } ?? 0
    let end = group.map { plan.grouping.starts[$0 + 1] } ?? 0
    plan.grouping.positions.withUnsafeBufferPointer { positions in
      let update = RowUpdate(
        dtype: item.dtype, count: item.width, variable: item.variable.advanced(by: byteOffset),
        scalars: work.scalars, gradientCount: end - start, slots: slots, byteOffset: byteOffset,
        gradients: item.gradients, positions: positions.baseAddress.map { $0 + start },
        ownVariables: ownVariables)
      if let sum, end > start {
        update.addGradients(into: sum)
        work.rule.update(update.withOnlyGradient(sum))
      } else {
        work.rule.update(update)
      }
    }
  }

  /// Rows lie far apart, each a wait for memory of its own; asking ahead lets the waits overlap.
  private func prefetch(row: Int, _ slots: UnsafeBufferPointer<Plane>) {
    let byteCount = item.width * item.dtype.byteCount
    let byteOffset = row * byteCount
    ck_prefetch(item.variable.old + byteOffset, byteCount)
    for slot in slots { ck_prefetch(slot.old + byteOffset, byteCount) }
  }
}

extension RowUpdate {
  /// The sum of the gradients in order of appearance, from zero.
  fileprivate func addGradients(into sum: UnsafeMutableRawPointer) {
    switch dtype {
    case .float32:
      let sum = sum.bindMemory(to: Float.self, capacity: count)
      sum.initialize(repeating: 0, count: count)
      for index in 0..<gradientCount {
        ck_add_f32(count, gradient(index).assumingMemoryBound(to: Float.self), sum)
      }
    case .float64: addGradients(into: sum, as: Double.self)
    case .float16: addGradients(into: sum, as: Float16.self)
    case .bfloat16: addGradients(into: sum, as: BFloat16.self)
    default: preconditionFailure("there are no gradients of \(dtype) variables")
    }
  }

  private func addGradients<T: UpdateScalar>(into sum: UnsafeMutableRawPointer, as _: T.Type) {
    let sum = sum.bindMemory(to: T.self, capacity: count)
    sum.initialize(repeating: T(0.0), count: count)
    for index in 0..<gradientCount {
      let gradient = gradient(index).assumingMemoryBound(to: T.self)
      for i in 0..<count { sum[i] = sum[i] + gradient[i] }
    }
  }
}
