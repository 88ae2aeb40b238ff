internal import Tensors

extension UpdatePlan {
  /// Updates all `elements`.
  mutating func runElements(_ work: StepWork) {
    let needsScratch = elements.contains { $0.gradient != nil && !$0.transform.isIdentity }
    let scratchByteCount = Self.blockElementCount * MemoryLayout<Double>.stride
    let scratch =
      needsScratch ? self.scratch(byteCount: scratchByteCount * work.team.threadCount) : nil
    run(work, scratch, scratchByteCount)
  }

  /// Apart, so that the copy of the plan is gone when this returns, and its room can be used again.
  @inline(never)
  private func run(
    _ work: StepWork, _ scratch: UnsafeMutableRawPointer?, _ scratchByteCount: Int
  ) {
    let run = ElementRun(
      plan: self, work: work, scratch: scratch, scratchByteCount: scratchByteCount)
    work.team.run(
      run, count: elementCount, chunk: Self.chunkElementCount, serialBelow: Self.serialElementCount)
  }
}

/// One pass over all elements of a plan.
///
/// Sendable as the plan is: threads get ranges that do not overlap, and scratch of their own.
private struct ElementRun: SharedWork, @unchecked Sendable {
  let plan: UpdatePlan
  let work: StepWork
  let scratch: UnsafeMutableRawPointer?
  let scratchByteCount: Int

  /// Updates the elements at `range` of all.
  func run(_ range: Range<Int>, thread: Int) {
    let scratch = scratch.map { $0 + thread * scratchByteCount }
    var index = item(at: range.lowerBound)
    var position = range.lowerBound
    while position < range.upperBound {
      let start = plan.starts[index]
      let end = min(range.upperBound, start + plan.elements[index].count)
      update(plan.elements[index], position - start..<end - start, scratch)
      position = end
      index += 1
    }
  }

  /// Which of the elements' items holds the element at `position` of all.
  private func item(at position: Int) -> Int {
    var low = 0
    var high = plan.starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if plan.starts[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }

  private func update(
    _ item: UpdatePlan.Elements, _ range: Range<Int>, _ scratch: UnsafeMutableRawPointer?
  ) {
    let isSingle = item.average == nil && !item.decays && item.transform.isIdentity
    let stagedRule = isSingle || item.gradient == nil ? nil : work.adagrad
    let isWhole =
      isSingle || (stagedRule?.canUpdate(item.dtype, item.transform, work.scalars) ?? false)
    let block = isWhole ? range.count : UpdatePlan.blockElementCount
    plan.slots.withUnsafeBufferPointer { slots in
      plan.ownVariables.withUnsafeBufferPointer { ownVariables in
        let slots = UnsafeBufferPointer(
          rebasing: slots[item.firstSlot..<item.firstSlot + item.slotCount])
        var position = range.lowerBound
        while position < range.upperBound {
          let count = min(block, range.upperBound - position)
          if let stagedRule, isWhole {
            stagedRule.update(
              elements(item, position, count, slots, ownVariables), item.transform,
              item.decays ? work.decay : nil, work.average,
              item.average?.advanced(by: position * item.dtype.byteCount))
          } else {
            update(item, position, count, scratch, slots, ownVariables)
          }
          position += count
        }
      }
    }
  }

  private func elements(
    _ item: UpdatePlan.Elements, _ position: Int, _ count: Int,
    _ slots: UnsafeBufferPointer<Plane>, _ ownVariables: UnsafeBufferPointer<UnsafeRawPointer>
  ) -> ElementUpdate {
    let offset = position * item.dtype.byteCount
    guard let gradient = item.gradient else { preconditionFailure("there is nothing to update") }
    return ElementUpdate(
      dtype: item.dtype, count: count, variable: item.variable.advanced(by: offset),
      gradient: gradient + offset, scalars: work.scalars, slots: slots, byteOffset: offset,
      ownVariables: ownVariables)
  }

  /// Takes one block through all stages.
  private func update(
    _ item: UpdatePlan.Elements, _ position: Int, _ count: Int,
    _ scratch: UnsafeMutableRawPointer?, _ slots: UnsafeBufferPointer<Plane>,
    _ ownVariables: UnsafeBufferPointer<UnsafeRawPointer>
  ) {
    let offset = position * item.dtype.byteCount
    var variable = item.variable.advanced(by: offset)
    if item.decays, let decay = work.decay {
      decay.update(variable, count: count, dtype: item.dtype)
      variable = Plane(inPlace: variable.new)
    }
    if var gradient = item.gradient.map({ $0 + offset }) {
      if let scratch, !item.transform.isIdentity {
        item.transform.apply(to: gradient, into: scratch, count: count, dtype: item.dtype)
        gradient = UnsafeRawPointer(scratch)
      }
      work.rule.update(
        ElementUpdate(
          dtype: item.dtype, count: count, variable: variable, gradient: gradient,
          scalars: work.scalars, slots: slots, byteOffset: offset, ownVariables: ownVariables))
      variable = Plane(inPlace: variable.new)
    }
    if let average = work.average, let plane = item.average {
      average.update(
        plane.advanced(by: offset), from: variable.old, overwriting: variable.new, count: count,
        dtype: item.dtype)
    }
  }
}
