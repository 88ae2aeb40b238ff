/// What was found in some elements of one variable; pieces in order add up to the variable.
struct DescentPiece: Sendable {
  /// The sum of the accumulators' growths, as far as they are finite.
  private(set) var growth = 0.0
  /// The sum of the accumulators' magnitudes in the second file.
  private(set) var level = 0.0
  /// The rows that changed, in order, as runs.
  private(set) var touchedRows: [Range<Int>] = []
  private(set) var findings: [Contradiction.Kind: Found] = [:]

  /// How often something was found, and where it is worst.
  struct Found: Sendable {
    var count: Int
    var severity: Double
    /// The element's position, row-major.
    var position: Int
    var element: ElementRules.Element
    var found: Double
    var limit: Double
  }

  mutating func add(growth: Double, level: Double) {
    self.growth += growth
    self.level += level
  }

  mutating func touch(row: Int) { touch(row..<row + 1) }

  var touchedRowCount: Int { touchedRows.reduce(0) { $0 + $1.count } }

  private mutating func touch(_ rows: Range<Int>) {
    if let last = touchedRows.last, last.upperBound >= rows.lowerBound {
      touchedRows[touchedRows.count - 1] =
        last.lowerBound..<max(last.upperBound, rows.upperBound)
    } else {
      touchedRows.append(rows)
    }
  }

  mutating func add(
    _ finding: ElementRules.Finding, at position: Int, _ element: ElementRules.Element
  ) {
    let new = Found(
      count: 1, severity: Self.severity(finding), position: position, element: element,
      found: finding.found, limit: finding.limit)
    add(new, of: finding.kind)
  }

  private mutating func add(_ new: Found, of kind: Contradiction.Kind) {
    guard var old = findings[kind] else {
      findings[kind] = new
      return
    }
    let count = old.count + new.count
    // Of equals the first one stays.
    if new.severity > old.severity { old = new }
    old.count = count
    findings[kind] = old
  }

  /// Appends a piece that follows this one.
  mutating func append(_ next: DescentPiece) {
    add(growth: next.growth, level: next.level)
    for rows in next.touchedRows { touch(rows) }
    for kind in Contradiction.Kind.allCases {
      if let found = next.findings[kind] { add(found, of: kind) }
    }
  }

  /// By which two findings of one kind are compared.
  private static func severity(_ finding: ElementRules.Finding) -> Double {
    let excess = finding.kind == .accumulatorFell || finding.kind == .movedTooLittle
    let severity =
      excess
      ? (finding.limit - finding.found) / finding.limit.magnitude : finding.found / finding.limit
    return severity.isNaN ? .infinity : severity
  }
}
