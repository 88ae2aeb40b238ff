/// Something that the target of a translation has no equal for.
public struct TranslationLoss: Sendable, Hashable {
  /// Where it stands: "layer `lstm`".
  public let object: String
  /// The key, or `class_name` for a class that is not there at all.
  public let key: String
  /// The value there, as it was.
  public let value: JSONValue
  /// Why it does not arrive: `Keras 3 has no such option`.
  public let reason: String

  public init(object: String, key: String, value: JSONValue, reason: String) {
    self.object = object
    self.key = key
    self.value = value
    self.reason = reason
  }
}

extension TranslationLoss: CustomStringConvertible {
  /// One line: where, what, why.
  public var description: String { "\(object): `\(key)` = \(value.excerpt): \(reason)" }
}

extension ModelConfiguration {
  /// The model in the spelling of `dialect` for a place of the kind `container`, without what `compile`
  /// was told, and what that Keras has no equal for.
  ///
  /// Every class that both generations have is translated: frames, dtypes, graphs, nested models, and
  /// the options that differ. A layer of a class that is somebody's own is carried over: its name as the
  /// target spells it, its options as they are. A class that one generation lacks stays and is listed as
  /// a loss; an option without equal is left out and listed.
  public func translation(
    to dialect: Dialect, in container: ConfigurationContainer
  ) -> (configuration: ModelConfiguration, losses: [TranslationLoss]) {
    let renaming = LayerRenaming(of: self, for: dialect)
    let (json, translator) = spelling(of: dialect, in: container, renaming)
    let configuration = ModelConfiguration(
      self, spelledAs: json, dialect: dialect, renaming: renaming)
    return (configuration, renaming.losses(in: dialect) + translator.losses)
  }

  /// The layers that ``translation(to:in:)`` carries over without knowing their classes, each as
  /// "layer `scale` of class `mine>Scale`".
  public var carriedLayers: [String] {
    spelling(of: dialect, in: .document, LayerRenaming(of: self, for: dialect)).1.carried
  }

  private func spelling(
    of dialect: Dialect, in container: ConfigurationContainer, _ renaming: LayerRenaming
  ) -> (JSONValue, ConfigurationTranslator) {
    var translator = ConfigurationTranslator(
      source: self.dialect, target: dialect, container: container)
    let changesGeneration = translator.changesGeneration
    let renamed = renaming.renamed(json)
    let json = translator.document(
      changesGeneration ? FrozenOwners.respelled(renamed, for: dialect) : renamed)
    return (json, translator)
  }
}
