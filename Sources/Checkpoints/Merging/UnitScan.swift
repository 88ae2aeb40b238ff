import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Which side changed which units of a tensor; built up piece by piece.
struct UnitScan {
  enum Verdict { case unchanged, ours, theirs, alike, conflict }

  private let isRowWise: Bool
  private(set) var counts = MergedTensor.Counts()
  private(set) var firstConflicts: [Int] = []
  private(set) var conflicts: UnitSet
  /// An element fell below the base on some side, where both changed the tensor: no growth.
  private(set) var falls = false
  private let forbidsFalls: Bool
  private var squaresOfOurs = 0.0
  private var squaresOfTheirs = 0.0
  private var product = 0.0
  // Of a tensor that is one unit.
  private var differs = (ours: false, theirs: false, sides: false)

  init(_ entry: CheckpointEntry, _ rule: MergeRule) {
    isRowWise = rule.isRowWise
    if case .growth = rule { forbidsFalls = true } else { forbidsFalls = false }
    counts.total = rule.isRowWise ? entry.shape[0] : 1
    conflicts = UnitSet(count: counts.total)
  }

  mutating func add(_ rows: Range<Int>, base: Tensor, ours: Tensor, theirs: Tensor) {
    base.withUnsafeBytes { base in
      ours.withUnsafeBytes { ours in
        theirs.withUnsafeBytes { theirs in add(rows, base, ours, theirs) }
      }
    }
    if base.dtype.isFloatingPoint { addChanges(base, ours, theirs) }
  }

  private mutating func add(
    _ rows: Range<Int>, _ base: UnsafeRawBufferPointer, _ ours: UnsafeRawBufferPointer,
    _ theirs: UnsafeRawBufferPointer
  ) {
    if !isRowWise {
      differs.ours = differs.ours || !ours.isEqual(base)
      differs.theirs = differs.theirs || !theirs.isEqual(base)
      differs.sides = differs.sides || !ours.isEqual(theirs)
      return
    }
    let width = ours.count / max(rows.count, 1)
    for (index, row) in rows.enumerated() {
      let range = index * width..<(index + 1) * width
      let verdict = Self.verdict(
        UnsafeRawBufferPointer(rebasing: base[range]),
        UnsafeRawBufferPointer(rebasing: ours[range]),
        UnsafeRawBufferPointer(rebasing: theirs[range]))
      count(verdict, of: row)
    }
  }

  /// By bits.
  static func verdict(
    _ base: UnsafeRawBufferPointer, _ ours: UnsafeRawBufferPointer,
    _ theirs: UnsafeRawBufferPointer
  ) -> Verdict {
    verdict(
      oursDiffers: !ours.isEqual(base), theirsDiffers: !theirs.isEqual(base),
      sidesDiffer: !ours.isEqual(theirs))
  }

  private static func verdict(
    oursDiffers: Bool, theirsDiffers: Bool, sidesDiffer: Bool
  ) -> Verdict {
    switch (oursDiffers, theirsDiffers) {
    case (false, false): .unchanged
    case (true, false): .ours
    case (false, true): .theirs
    case (true, true): sidesDiffer ? .conflict : .alike
    }
  }

  private mutating func count(_ verdict: Verdict, of unit: Int) {
    switch verdict {
    case .unchanged: break
    case .ours: counts.ours += 1
    case .theirs: counts.theirs += 1
    case .alike: counts.alike += 1
    case .conflict:
      counts.conflicting += 1
      conflicts.insert(unit)
      if firstConflicts.count < 8 { firstConflicts.append(unit) }
    }
  }

  private mutating func addChanges(_ base: Tensor, _ ours: Tensor, _ theirs: Tensor) {
    let pieces = [base, ours, theirs].map { piece in
      piece.dtype == .float32 || piece.dtype == .float64 ? piece : piece.converted(to: .float64)
    }
    if pieces[0].dtype == .float32 {
      addChanges(pieces, Float.self)
    } else {
      addChanges(pieces, Double.self)
    }
  }

  @inline(__always)
  private mutating func addChanges<Element: TensorElement & BinaryFloatingPoint>(
    _ pieces: [Tensor], _: Element.Type
  ) {
    var (x, y, xy, falls) = (0.0, 0.0, 0.0, false)
    pieces[0].withElements(of: Element.self) { base in
      pieces[1].withElements(of: Element.self) { ours in
        pieces[2].withElements(of: Element.self) { theirs in
          for index in base.indices {
            let a = Double(ours[index]) - Double(base[index])
            let b = Double(theirs[index]) - Double(base[index])
            if a < 0 || b < 0 { falls = true }
            guard a.isFinite, b.isFinite else { continue }
            x += a * a
            y += b * b
            xy += a * b
          }
        }
      }
    }
    squaresOfOurs += x
    squaresOfTheirs += y
    product += xy
    self.falls = self.falls || (falls && forbidsFalls)
  }

  /// To be called when all pieces were added.
  mutating func finish() {
    guard !isRowWise else { return }
    count(
      Self.verdict(
        oursDiffers: differs.ours, theirsDiffers: differs.theirs, sidesDiffer: differs.sides),
      of: 0)
  }

  var changes: MergedTensor.Changes {
    let lengths = (squaresOfOurs.squareRoot(), squaresOfTheirs.squareRoot())
    return MergedTensor.Changes(
      ours: lengths.0, theirs: lengths.1,
      cosine: lengths.0 > 0 && lengths.1 > 0 ? product / lengths.0 / lengths.1 : nil)
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func isEqual(_ other: UnsafeRawBufferPointer) -> Bool {
    guard let a = baseAddress, let b = other.baseAddress else { return count == other.count }
    return count == other.count && memcmp(a, b, count) == 0
  }
}
