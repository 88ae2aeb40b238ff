/// A pattern over whole names: `*` any run of characters, `?` one character, `[a-c]` or `[!a-c]` one
/// of (or none of) a set, `\` the next character itself.
///
/// `*` crosses `/`, so that `encoder/*` selects everything inside `encoder` and `*kernel` every
/// kernel, however deep.
public struct Glob: Sendable, Hashable {
  public let pattern: String
  private let elements: [Element]

  private enum Element: Sendable, Hashable {
    case anyRun
    case any
    case literal(Character)
    case set([ClosedRange<Character>], negated: Bool)
  }

  /// Nil when a set is left open or empty, or the pattern ends in a lone `\`.
  public init?(_ pattern: String) {
    self.pattern = pattern
    var elements: [Element] = []
    var rest = Substring(pattern)
    while let character = rest.popFirst() {
      switch character {
      case "*": elements.append(.anyRun)
      case "?": elements.append(.any)
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        elements.append(.literal(escaped))
      case "[":
        guard let set = Self.parseSet(&rest) else { return nil }
        elements.append(set)
      default: elements.append(.literal(character))
      }
    }
    self.elements = elements
  }

  private static func parseSet(_ rest: inout Substring) -> Element? {
    var negated = false
    if rest.first == "!" || rest.first == "^" {
      negated = true
      rest.removeFirst()
    }
    var ranges: [ClosedRange<Character>] = []
    while let character = rest.popFirst() {
      if character == "]", !ranges.isEmpty { return .set(ranges, negated: negated) }
      if rest.first == "-", let end = rest.dropFirst().first, end != "]" {
        guard character <= end else { return nil }
        rest.removeFirst(2)
        ranges.append(character...end)
      } else {
        ranges.append(character...character)
      }
    }
    return nil
  }

  /// Whether the whole of `name` matches. Linear in the pattern times the name at worst.
  public func matches(_ name: String) -> Bool { captures(in: name) != nil }

  /// What each `*` stands for in `name`, the earlier ones as short as can be; nil unless all of it
  /// matches.
  func captures(in name: String) -> [String]? {
    let characters = Array(name)
    var position = 0
    var element = 0
    // Where to go on when a later mismatch means that the last `*` must take one character more.
    var retry: (element: Int, position: Int)?
    var runs: [Range<Int>] = []
    while position < characters.count {
      if element < elements.count, elements[element] == .anyRun {
        retry = (element, position)
        runs.append(position..<position)
        element += 1
      } else if element < elements.count, Self.matches(elements[element], characters[position]) {
        element += 1
        position += 1
      } else if let last = retry {
        retry = (last.element, last.position + 1)
        element = last.element + 1
        position = last.position + 1
        runs[runs.count - 1] = runs[runs.count - 1].lowerBound..<position
      } else {
        return nil
      }
    }
    guard elements[element...].allSatisfy({ $0 == .anyRun }) else { return nil }
    runs += [Range<Int>](repeating: position..<position, count: elements.count - element)
    return runs.map { String(characters[$0]) }
  }

  var runCount: Int { elements.count { $0 == .anyRun } }

  private static func matches(_ element: Element, _ character: Character) -> Bool {
    switch element {
    case .anyRun, .any: true
    case .literal(let literal): literal == character
    case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
    }
  }
}
