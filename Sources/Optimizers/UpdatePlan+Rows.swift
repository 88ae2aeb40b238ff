internal import CKernels
internal import Tensors

extension UpdatePlan {
  static let serialRowElementCount = 1 << 16
  static let chunkRowElementCount = 1 << 14

  /// Updates the rows that `grouping` holds, or every row if the rule wants it so.
  mutating func runRows(_ item: Rows, _ work: StepWork) {
    if item.handling == .everyRow { indexGroups(rowCount: item.rowCount) }
    let sumByteCount = item.sums ? item.width * item.dtype.byteCount : 0
    let sums = item.sums ? scratch(byteCount: max(1, sumByteCount * work.team.threadCount)) : nil
    run(item, work, sums, sumByteCount)
    forgetSnapshots()
  }

  /// Apart, so that the copy of the plan is gone when this returns, and its room can be used again.
  @inline(never)
  private func run(
    _ item: Rows, _ work: StepWork, _ sums: UnsafeMutableRawPointer?, _ sumByteCount: Int
  ) {
    let width = max(1, item.width)
    grouping.withGroups { groups in
      let run = RowRun(
        plan: self, groups: groups, item: item, work: work, sums: sums,
        sumByteCount: sumByteCount)
      work.team.run(
        run, count: item.handling == .everyRow ? item.rowCount : groups.count,
        chunk: max(1, Self.chunkRowElementCount / width),
        serialBelow: max(2, Self.serialRowElementCount / width))
    }
  }

  /// Fills `groupOfRow`.
  private mutating func indexGroups(rowCount: Int) {
    groupOfRow.removeAll(keepingCapacity: true)
    groupOfRow.append(contentsOf: repeatElement(0, count: rowCount))
    grouping.withGroups { groups in
      for group in 0..<groups.count { groupOfRow[groups.rows[group]] = group + 1 }
    }
  }
}

/// One pass over rows. Sendable as the plan is: threads get rows of their own.
private struct RowRun: SharedWork, @unchecked Sendable {
  let plan: UpdatePlan
  let groups: RowGroups
  let item: UpdatePlan.Rows
  let work: StepWork
  let sums: UnsafeMutableRawPointer?
  let sumByteCount: Int

  private static let prefetchDistance = 4
  /// Rows that are kept for snapshots before they are updated: few enough to be in the cache still.
  private static let preservedRowCount = 64

  /// Updates some groups, or some rows where every row is updated.
  func run(_ range: Range<Int>, thread: Int) {
    let sum = sums.map { $0 + thread * sumByteCount }
    guard !plan.snapshots.isEmpty else { return update(range, sum) }
    let rowByteCount = item.width * item.dtype.byteCount
    let slots = plan.slots[item.firstSlot..<item.firstSlot + item.slotCount]
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.preservedRowCount) {
      let part = start..<min(start + Self.preservedRowCount, range.upperBound)
      let rows = UnsafeBufferPointer(start: groups.rows + part.lowerBound, count: part.count)
      // What locks make wait for one another would else be waits for memory one after the other.
      slots.withUnsafeBufferPointer { slots in for row in rows { prefetch(row: row, slots) } }
      for snapshot in plan.snapshots { snapshot.preserve(rows: rows, byteCount: rowByteCount) }
      update(part, sum)
    }
  }

  private func update(_ range: Range<Int>, _ sum: UnsafeMutableRawPointer?) {
    plan.slots.withUnsafeBufferPointer { slots in
      plan.ownVariables.withUnsafeBufferPointer { ownVariables in
        let slots = UnsafeBufferPointer(
          rebasing: slots[item.firstSlot..<item.firstSlot + item.slotCount])
        if item.handling == .everyRow {
          for row in range {
            let group = plan.groupOfRow[row] - 1
            update(row: row, group: group < 0 ? nil : group, sum, slots, ownVariables)
          }
        } else if let adagrad = work.adagrad, adagrad.canUpdateRows(item.dtype, work.scalars) {
          adagrad.update(groups, range, of: item, slots[0], work.scalars, sum: sum)
        } else {
          for group in range {
            if group + Self.prefetchDistance < range.upperBound {
              prefetch(row: groups.rows[group + Self.prefetchDistance], slots)
            }
            update(row: groups.rows[group], group: group, sum, slots, ownVariables)
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
    let start = group.map { groups.starts[$0] } ?? 0
    let end = group.map { groups.starts[$0 + 1] } ?? 0
    let update = RowUpdate(
      dtype: item.dtype, count: item.width, variable: item.variable.advanced(by: byteOffset),
      scalars: work.scalars, gradientCount: end - start, slots: slots, byteOffset: byteOffset,
      gradients: item.gradients, positions: groups.positions + start, ownVariables: ownVariables)
    if let sum, end > start {
      update.addGradients(into: sum)
      work.rule.update(update.withOnlyGradient(sum))
    } else {
      work.rule.update(update)
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
