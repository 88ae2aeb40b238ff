import Foundation
import KerasConfiguration
import Testing

/// The texts that real Keras wrote: `Fixtures/keras-<version>/configurations.json`.
struct KerasTexts: Sendable, CustomTestStringConvertible {
  let version: String
  let dialect: Dialect
  private let texts: JSONObject

  static let keras2 = KerasTexts(version: "2.12", dialect: .keras2)
  static let keras3 = KerasTexts(version: "3.15", dialect: .keras3)
  static let all = [keras2, keras3]

  private init(version: String, dialect: Dialect) {
    self.version = version
    self.dialect = dialect
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let file = root.appending(path: "Fixtures/keras-\(version)/configurations.json")
    do {
      texts = try JSONValue(parsing: [UInt8](Data(contentsOf: file))).object!
    } catch {
      fatalError("\(file.path): \(error)")
    }
  }

  var testDescription: String { "Keras \(version)" }

  var names: [String] { texts.keys }

  subscript(name: String) -> String {
    guard let text = texts[name]?.string else { fatalError("no text \(name) of Keras \(version)") }
    return text
  }

  func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: self[name]) }

  /// The cases `<prefix>X/<kind>`.
  func cases(_ prefix: String, _ kind: String) -> [String] {
    names.filter { $0.hasPrefix(prefix) && $0.hasSuffix("/" + kind) }
  }
}
