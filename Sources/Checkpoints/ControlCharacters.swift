extension String {
  /// The text on one line, control characters shown as `\n` or `\u{1B}`: names come from files that
  /// anybody may have written, and a terminal would obey them.
  package var withoutControlCharacters: String {
    if utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        text += scalar.escaped(asASCII: true)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
