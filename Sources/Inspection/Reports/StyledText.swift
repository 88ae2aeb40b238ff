import Checkpoints

/// What a piece of text means to its reader; a terminal shows it by colour.
public enum Tone: Sendable, Hashable {
  case plain
  /// What a group of lines is about.
  case heading
  /// Beside the point for most readers.
  case quiet
  case good
  case warning
  case bad

  /// The parameters of the terminal's escape sequence (ECMA-48, select graphic rendition); only the
  /// eight colours that every theme sets for itself.
  fileprivate var code: String? {
    switch self {
    case .plain: nil
    case .heading: "1"
    case .quiet: "2"
    case .good: "32"
    case .warning: "33"
    case .bad: "31"
    }
  }
}

/// Text for people, in pieces of different tone.
///
/// Pieces come from files that anybody may have written: when rendered, their control characters are
/// shown, not obeyed.
public struct StyledText: Sendable, Hashable {
  private var pieces: [Piece] = []

  private struct Piece: Sendable, Hashable {
    let text: String
    let tone: Tone
  }

  public init(_ text: String = "", _ tone: Tone = .plain) {
    let text = text.withoutControlCharacters
    if !text.isEmpty { pieces = [Piece(text: text, tone: tone)] }
  }

  /// In columns of a terminal.
  public var width: Int { pieces.reduce(0) { $0 + $1.text.columnCount } }

  public var isEmpty: Bool { pieces.isEmpty }

  /// - Parameter isColoured: whether tones become the escape sequences of a terminal.
  public func rendered(isColoured: Bool) -> String {
    pieces.map { piece in
      guard isColoured, let code = piece.tone.code else { return piece.text }
      return "\u{1B}[\(code)m\(piece.text)\u{1B}[0m"
    }.joined()
  }

  public static func + (first: Self, second: Self) -> Self {
    var sum = first
    sum.pieces += second.pieces
    return sum
  }

  public static func += (text: inout Self, more: Self) { text = text + more }
}

extension StyledText: ExpressibleByStringInterpolation {
  public init(stringLiteral value: String) { self.init(value) }
}

extension String {
  public func styled(_ tone: Tone) -> StyledText { StyledText(self, tone) }
}
