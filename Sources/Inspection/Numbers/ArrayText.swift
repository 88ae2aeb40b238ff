import KerasConfiguration
import Tensors

/// An element as it is printed.
struct ShownNumber: Sendable {
  let text: String
  let json: JSONValue

  /// The shortest digits that give the element back; of a float those of its own type.
  init<Element: TensorElement>(_ element: Element) {
    switch element {
    case let element as Bool:
      text = element ? "true" : "false"
      json = .bool(element)
    case let element as Float:
      text = Self.trimmed("\(element)")
      json = Self.json(Double(element), text)
    case let element as Float16:
      text = Self.trimmed("\(Float(element))")
      json = Self.json(Double(element), text)
    case let element as BFloat16:
      text = Self.trimmed("\(element.float)")
      json = Self.json(Double(element.float), text)
    default:
      switch element.number {
      case .floating(let value):
        text = Self.trimmed("\(value)")
        json = Self.json(value, text)
      case .signed(let value):
        text = "\(value)"
        json = JSONValue(Int(value))
      case .unsigned(let value):
        text = "\(value)"
        // Beyond Int the digits are kept as text: a double would lose some.
        json = Int(exactly: value).map { JSONValue($0) } ?? .string("\(value)")
      }
    }
  }

  /// As NumPy, which leaves the zero behind a point out.
  private static func trimmed(_ text: String) -> String {
    text.hasSuffix(".0") ? String(text.dropLast()) : text
  }

  /// What is not finite is text, since JSON has no number for it.
  private static func json(_ value: Double, _ text: String) -> JSONValue {
    value.isFinite ? JSONValue(value) : .string(text)
  }
}

/// An array as NumPy prints it: brackets for axes, columns aligned.
struct ArrayText {
  private let numbers: [ShownNumber]
  private let shape: Shape
  /// By axis: after how many places `…` stands.
  private let gaps: [Int?]
  /// Of what stands before the point, and of what stands from the point on.
  private let widths: (before: Int, after: Int)

  init(_ numbers: [ShownNumber], _ shape: Shape, gaps: [Int?]) {
    self.numbers = numbers
    self.shape = shape
    self.gaps = gaps
    widths = numbers.reduce((0, 0)) { widths, number in
      let before = Self.countBeforePoint(number.text)
      return (max(widths.0, before), max(widths.1, number.text.count - before))
    }
  }

  private static func countBeforePoint(_ text: String) -> Int {
    text.prefix { $0 != "." }.count
  }

  var lines: [String] {
    if shape.rank == 0 { return [numbers[0].text] }
    if numbers.isEmpty { return ["[]"] }
    return lines(axis: 0, first: 0, count: numbers.count)
  }

  /// Of one place along all axes before `axis`, whose elements are the `count` from `first` on.
  private func lines(axis: Int, first: Int, count: Int) -> [String] {
    if axis == shape.rank - 1 { return rows(first, count) }
    let size = count / shape[axis]
    var lines: [String] = []
    for place in 0..<shape[axis] {
      if gaps[axis] == place { lines.append(" …") }
      let inner = self.lines(axis: axis + 1, first: first + place * size, count: size)
      lines += inner.map { " \($0)" }
      // Blocks of two axes and more stand apart.
      if axis < shape.rank - 2, place < shape[axis] - 1 { lines.append("") }
    }
    lines[0] = "[" + lines[0].dropFirst()
    lines[lines.count - 1] += "]"
    return lines
  }

  /// The last axis, in as many lines as it needs.
  private func rows(_ first: Int, _ count: Int) -> [String] {
    var cells: [String] = []
    for index in 0..<count {
      if gaps[shape.rank - 1] == index { cells.append("…") }
      let text = numbers[first + index].text
      let before = Self.countBeforePoint(text)
      let after = text.count - before
      cells.append(
        String(repeating: " ", count: widths.before - before) + text
          + String(repeating: " ", count: widths.after - after))
    }
    var lines: [String] = []
    var line = ""
    for cell in cells {
      if !line.isEmpty, line.count + 1 + cell.count > 96 {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + cell
    }
    lines.append(line)
    return lines.enumerated().map { index, line in
      if index == lines.count - 1 { return (index == 0 ? "[" : " ") + line + "]" }
      // No line ends in spaces.
      let end = line.lastIndex { $0 != " " }!
      return (index == 0 ? "[" : " ") + line[...end]
    }
  }
}
