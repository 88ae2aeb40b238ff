public import KerasConfiguration

/// The configurations of a checkpoint in the words of the file from which it was converted.
///
/// Another Keras, or another place in a file, spells the same model and training otherwise, and not
/// everything comes back by translating twice: identities of shared objects, frames of metrics. A
/// converted file therefore remembers where it came from, and a conversion back uses these words again
/// if they still mean what the file says.
public struct OriginalWords: Sendable, Hashable {
  public var model: ModelConfiguration
  public var training: TrainingConfiguration?

  public init(model: ModelConfiguration, training: TrainingConfiguration?) {
    self.model = model
    self.training = training
  }
}

extension Checkpoint {
  /// The checkpoint for a file of a profile: in its original words where they are those of the profile,
  /// which then need not be remembered.
  func inOriginalWords(for profile: Profile) -> Checkpoint {
    guard let original, let model else { return self }
    var result = self
    guard original.model.dialect == profile.dialect,
      profile.layout.configurationContainer == original.model.container
    else {
      // Layouts without a place for configurations keep the words as they are.
      if profile.layout.configurationContainer == nil, original.model == model {
        result.original = nil
      }
      return result
    }
    result.original = nil
    if original.model.means(model) {
      result.model = original.model.knowing(model.customLayers)
    }
    if let training, let words = original.training, words.means(training) {
      result.training = words
      // An optimizer whose state is there is spelled from it, wrapped as the original words have it.
      if optimizer == nil { result.training?.optimizer = training.optimizer }
    }
    return result
  }
}

extension ModelConfiguration {
  fileprivate var container: ConfigurationContainer {
    json["module"] == nil ? .attribute : .document
  }

  /// Whether these words, spelled as the other's, are the other's, training aside.
  fileprivate func means(_ other: ModelConfiguration) -> Bool {
    guard let words = try? json(for: other.dialect, in: other.container) else { return false }
    return words.withoutTraining == other.json.withoutTraining
  }
}

extension TrainingConfiguration {
  /// Whether these words, spelled as the other's, are the other's, the optimizer aside: that is spelled
  /// anew from its state.
  fileprivate func means(_ other: TrainingConfiguration) -> Bool {
    var (mine, others) = (self, other)
    mine.optimizer = nil
    others.optimizer = nil
    let container = other.container()
    guard let words = try? mine.json(for: other.dialect, in: container),
      let otherWords = try? others.json(for: other.dialect, in: container)
    else { return false }
    return words == otherWords
  }
}

extension JSONValue {
  fileprivate var withoutTraining: JSONValue {
    guard let object else { return self }
    return .object(JSONObject(object.pairs.filter { $0.key != "compile_config" }))
  }
}
