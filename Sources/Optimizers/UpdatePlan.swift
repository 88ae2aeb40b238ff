internal import CKernels
internal import Dispatch
internal import Synchronization
internal import Tensors

/// The work of one step, cut into pieces for threads: which memory each variable, slot and gradient
/// occupies.
///
/// Sendable although it holds pointers, because it is empty except during
/// ``Optimizer/applyGradients(_:to:)``; what stays from step to step is the room in its arrays.
struct UpdatePlan: @unchecked Sendable {
  /// A variable whose every element is updated, by a gradient, by its average, or both.
  struct Elements {
    let variable: Plane
    /// Nil if only the average is updated.
    let gradient: UnsafeRawPointer?
    let average: Plane?
    /// Where the rule's slots begin in `slots`, and how many there are.
    let firstSlot: Int
    let slotCount: Int
    let dtype: DType
    let count: Int
  }

  /// A variable of which some rows are updated in place. Sendable as the plan is.
  struct Rows: @unchecked Sendable {
    let variable: Plane
    let gradients: UnsafeRawPointer
    /// Where the rule's slots begin in `slots`, and how many there are.
    let firstSlot: Int
    let slotCount: Int
    let dtype: DType
    /// Elements of one row.
    let width: Int
  }

  private(set) var elements: [Elements] = []
  /// The number of elements before each of `elements`.
  private var starts: [Int] = []
  private var elementCount = 0
  var slots: [Plane] = []
  /// Storages that a snapshot might give up while they are read.
  private var keptAlive: [TensorStorage] = []
  /// By position in the call, the place of the variable among the built ones.
  var places: [Int] = []
  /// By place among the built variables, whether the call has it.
  var isPresent: [Bool] = []
  var grouping = RowGrouping()

  /// Below this many elements a second thread costs more than it gains.
  private static let serialElementCount = 1 << 19
  /// Elements that a thread takes at a time.
  private static let chunkElementCount = 1 << 16
  /// Elements that go through all stages before the next, few enough to stay in the first-level
  /// cache: so the average costs no second pass over memory.
  private static let blockElementCount = 1024

  mutating func append(_ item: Elements) {
    guard item.count > 0 else { return }
    elements.append(item)
    starts.append(elementCount)
    elementCount += item.count
  }

  mutating func keepAlive(_ storage: TensorStorage) { keptAlive.append(storage) }

  /// Forgets everything but the room.
  mutating func removeAll() {
    elements.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    elementCount = 0
    slots.removeAll(keepingCapacity: true)
    keptAlive.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    isPresent.removeAll(keepingCapacity: true)
  }
}

// MARK: - Every element

extension UpdatePlan {
  /// Updates all `elements`.
  func runElements(
    _ rule: any UpdateRule, _ scalars: StepScalars, _ average: AverageUpdate?, threadCount: Int
  ) {
    parallel(
      count: elementCount, chunk: Self.chunkElementCount, serialBelow: Self.serialElementCount,
      threadCount: threadCount
    ) { range in
      var index = item(at: range.lowerBound)
      var position = range.lowerBound
      while position < range.upperBound {
        let end = min(range.upperBound, starts[index] + elements[index].count)
        let start = starts[index]
        run(elements[index], position - start..<end - start, rule, scalars, average)
        position = end
        index += 1
      }
    }
  }

  /// Which of `elements` holds the element at `position` of all.
  private func item(at position: Int) -> Int {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }

  private func run(
    _ item: Elements, _ range: Range<Int>, _ rule: any UpdateRule, _ scalars: StepScalars,
    _ average: AverageUpdate?
  ) {
    let width = item.dtype.byteCount
    let block = average == nil ? range.count : Self.blockElementCount
    slots.withUnsafeBufferPointer { slots in
      let slots = UnsafeBufferPointer(
        rebasing: slots[item.firstSlot..<item.firstSlot + item.slotCount])
      var position = range.lowerBound
      while position < range.upperBound {
        let count = min(block, range.upperBound - position)
        let offset = position * width
        let variable = item.variable.advanced(by: offset)
        if let gradient = item.gradient {
          rule.update(
            ElementUpdate(
              dtype: item.dtype, count: count, variable: variable, gradient: gradient + offset,
              scalars: scalars, slots: slots, byteOffset: offset))
        }
        if let average, let plane = item.average {
          average.update(
            plane.advanced(by: offset),
            from: item.gradient == nil ? variable.old : UnsafeRawPointer(variable.new),
            overwriting: variable.new, count: count, dtype: item.dtype)
        }
        position += count
      }
    }
  }
}

// MARK: - Some rows

extension UpdatePlan {
  private static let serialRowElementCount = 1 << 16
  private static let chunkRowElementCount = 1 << 14
  private static let prefetchDistance = 8

  /// Updates the rows that `grouping` holds.
  ///
  /// With `summing`, the gradients of a row are added up first, in order of appearance, from zero.
  func runRows(
    _ item: Rows, _ rule: any UpdateRule, _ scalars: StepScalars, summing: Bool, threadCount: Int
  ) {
    let width = max(1, item.width)
    parallel(
      count: grouping.rows.count, chunk: max(1, Self.chunkRowElementCount / width),
      serialBelow: max(2, Self.serialRowElementCount / width), threadCount: threadCount
    ) { range in
      withUnsafeTemporaryAllocation(
        byteCount: summing ? item.width * item.dtype.byteCount : 0, alignment: 16
      ) { sum in
        run(item, range, rule, scalars, sum: summing ? sum.baseAddress : nil)
      }
    }
  }

  private func run(
    _ item: Rows, _ groups: Range<Int>, _ rule: any UpdateRule, _ scalars: StepScalars,
    sum: UnsafeMutableRawPointer?
  ) {
    let rowByteCount = item.width * item.dtype.byteCount
    slots.withUnsafeBufferPointer { slots in
      let slots = UnsafeBufferPointer(
        rebasing: slots[item.firstSlot..<item.firstSlot + item.slotCount])
      grouping.positions.withUnsafeBufferPointer { positions in
        guard let positions = positions.baseAddress else { return }
        for group in groups {
          if group + Self.prefetchDistance < groups.upperBound {
            prefetch(item, slots, row: grouping.rows[group + Self.prefetchDistance], rowByteCount)
          }
          let byteOffset = grouping.rows[group] * rowByteCount
          let start = grouping.starts[group]
          let row = RowUpdate(
            dtype: item.dtype, count: item.width, variable: item.variable.advanced(by: byteOffset),
            scalars: scalars, gradientCount: grouping.starts[group + 1] - start, slots: slots,
            byteOffset: byteOffset, gradients: item.gradients, positions: positions + start)
          if let sum {
            row.addGradients(into: sum)
            rule.update(row.withOnlyGradient(sum))
          } else {
            rule.update(row)
          }
        }
      }
    }
  }

  /// Rows lie far apart, each a wait for memory of its own; asking ahead lets the waits overlap.
  private func prefetch(
    _ item: Rows, _ slots: UnsafeBufferPointer<Plane>, row: Int, _ rowByteCount: Int
  ) {
    let byteOffset = row * rowByteCount
    ck_prefetch(item.variable.old + byteOffset, rowByteCount)
    for slot in slots { ck_prefetch(slot.old + byteOffset, rowByteCount) }
  }
}

extension RowUpdate {
  /// The sum of the gradients in order of appearance, from zero.
  fileprivate func addGradients(into sum: UnsafeMutableRawPointer) {
    switch dtype {
    case .float32: addGradients(into: sum, as: Float.self)
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

// MARK: - Threads

extension UpdatePlan {
  /// Calls `body` with ranges that make up 0..<count, on at most `threadCount` threads, each of which
  /// takes the next `chunk` when it is done with its last. One range, on this thread, below
  /// `serialBelow`.
  private func parallel(
    count: Int, chunk: Int, serialBelow: Int, threadCount: Int,
    _ body: @Sendable (Range<Int>) -> Void
  ) {
    guard count > 0 else { return }
    guard threadCount > 1, count >= serialBelow else { return body(0..<count) }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: threadCount) { _ in
      while true {
        let start = next.add(chunk, ordering: .relaxed).oldValue
        guard start < count else { return }
        body(start..<min(count, start + chunk))
      }
    }
  }
}
