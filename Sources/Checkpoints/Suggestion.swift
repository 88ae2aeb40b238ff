/// What somebody may have meant who wrote a name that is none.
public enum Suggestion {
  /// The name that is nearest to `word`: at most one character in three is another, and no other name is as
  /// near. Nil when there is none.
  ///
  /// A slip of the hand counts as one: a character missing, too many, another, or two exchanged (optimal
  /// string alignment distance). A name that ends in `word` after a `/` is as near as can be.
  ///
  /// - Complexity: O(n m) for n names of m characters.
  public static func nearest(to word: String, among names: some Sequence<String>) -> String? {
    var best: String?
    var least = max(1, word.count / 3) + 1
    var isTied = false
    for name in Set(names) where name != word {
      let distance = name.hasSuffix("/\(word)") ? 0 : Self.distance(word, name, below: least + 1)
      guard distance <= least else { continue }
      isTied = distance == least
      if distance < least { (best, least) = (name, distance) }
    }
    return isTied ? nil : best
  }

  /// Slips of the hand from one word to another; `limit` for that many or more.
  static func distance(_ a: String, _ b: String, below limit: Int) -> Int {
    let (a, b) = (Array(a.lowercased()), Array(b.lowercased()))
    guard abs(a.count - b.count) < limit else { return limit }
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
        row.append(cost)
      }
      if row.min()! >= limit { return limit }
      (before, last) = (last, row)
    }
    return min(limit, last[b.count])
  }
}

extension Glob {
  /// The name, or the layer with all that is in it, that somebody may have meant by a pattern that matches
  /// none of `names`.
  package func suggestion(among names: some Sequence<String>) -> String? {
    var candidates = Set(names)
    for name in names {
      for (index, character) in zip(name.indices, name) where character == "/" {
        candidates.insert("\(name[..<index])/*")
        candidates.insert("*\(name[index...])")
        candidates.insert("*\(name[index...].dropFirst())")
      }
    }
    return Suggestion.nearest(to: pattern, among: candidates)
  }
}
