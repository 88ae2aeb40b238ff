extension Character {
  /// Columns of a terminal that this takes: 2 for wide letters and emoji (East Asian Width W and F of
  /// Unicode's annex 11), 0 for a mark that stands alone, otherwise 1.
  var columnCount: Int {
    let scalars = unicodeScalars
    guard let first = scalars.first else { return 0 }
    if first.isASCII { return 1 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    // U+FE0F asks for the picture of what has a plain form, too.
    let isEmoji = first.properties.isEmojiPresentation || scalars.contains("\u{FE0F}")
    return isEmoji || Self.wide.contains { $0.contains(first.value) } ? 2 : 1
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3,
    0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6,
    0x16fe0...0x18cff, 0x1b000...0x1b2fb, 0x1f200...0x1f265, 0x20000...0x3fffd,
  ]
}

extension String {
  /// Columns of a terminal that this takes, if it has no control characters.
  var columnCount: Int {
    utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.columnCount }
  }
}
