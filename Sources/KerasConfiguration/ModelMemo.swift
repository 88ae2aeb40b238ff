import Tensors

/// What has been worked out of a model once: its copies share it, since nothing of a model ever changes. A
/// run saves one model many times.
///
/// No part of the value: all memos are equal. A class because copies share it.
final class ModelMemo: Sendable {
  private struct Content {
    var places: [Dialect: [VariablePlace]] = [:]
    var variables: [Dialect: [ModelVariable]] = [:]
    var words: [Place: JSONValue] = [:]
    /// Under nil the text of the model as it was read.
    var texts: [Place?: String] = [:]
  }

  /// In whose words, and where, a model is written.
  struct Place: Hashable {
    let dialect: Dialect
    let container: ConfigurationContainer
  }

  private let content = Locked(Content())

  func places(
    in dialect: Dialect, _ compute: () throws(ConfigurationError) -> [VariablePlace]
  ) throws(ConfigurationError) -> [VariablePlace] {
    if let places = content.withLock({ $0.places[dialect] }) { return places }
    let places = try compute()
    content.withLock { $0.places[dialect] = places }
    return places
  }

  func variables(
    in dialect: Dialect, _ compute: () throws(ConfigurationError) -> [ModelVariable]
  ) throws(ConfigurationError) -> [ModelVariable] {
    if let variables = content.withLock({ $0.variables[dialect] }) { return variables }
    let variables = try compute()
    content.withLock { $0.variables[dialect] = variables }
    return variables
  }

  func words(
    at place: Place, _ compute: () throws(ConfigurationError) -> JSONValue
  ) throws(ConfigurationError) -> JSONValue {
    if let words = content.withLock({ $0.words[place] }) { return words }
    let words = try compute()
    content.withLock { $0.words[place] = words }
    return words
  }

  func text(of words: JSONValue, at place: Place?) -> String {
    if let text = content.withLock({ $0.texts[place] }) { return text }
    let text = words.text
    content.withLock { $0.texts[place] = text }
    return text
  }
}

extension ModelMemo: Hashable {
  static func == (_: ModelMemo, _: ModelMemo) -> Bool { true }
  func hash(into _: inout Hasher) {}
}
