import ArgumentParser
import KerasConfiguration

/// The profile in which a run saves its checkpoints, as `--checkpoint-format` names it.
struct CheckpointFormat: ExpressibleByArgument {
  let profile: Profile

  /// Profiles that hold all that a run is resumed from. The weights-only `.h5` of Keras 2 has no place for
  /// an optimizer.
  static let profiles = Profile.all.filter { $0.layout != .legacyWeights }

  /// For the most usual profiles, the ends of their files' names are names, too.
  private static let synonyms = [
    "h5": Profile(dialect: .keras2, layout: .wholeModel),
    "weights.h5": Profile(dialect: .keras3, layout: .weights),
    "keras": Profile(dialect: .keras3, layout: .archive),
  ]

  static let keras2 = CheckpointFormat(profile: Profile(dialect: .keras2, layout: .wholeModel))

  private init(profile: Profile) { self.profile = profile }

  init?(argument: String) {
    guard
      let profile = Self.synonyms[argument]
        ?? Self.profiles.first(where: { $0.name == argument })
    else { return nil }
    self.profile = profile
  }

  var defaultValueDescription: String { profile.name }

  static var allValueStrings: [String] { profiles.map(\.name) }
}
