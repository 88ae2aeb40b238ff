/// The spelling of one file: whose, and in which layout. It never decides arithmetic.
public struct Profile: Sendable, Hashable {
  /// Whose spelling.
  public var dialect: Dialect
  /// How the file is organised.
  public var layout: Layout

  public init(dialect: Dialect, layout: Layout) {
    self.dialect = dialect
    self.layout = layout
  }

  /// Every combination of a Keras and a layout that it writes, and that Cairn writes for it.
  public static let all: [Profile] = [
    Profile(dialect: .keras2, layout: .wholeModel),
    Profile(dialect: .keras2, layout: .legacyWeights),
    Profile(dialect: .keras2, layout: .weights), Profile(dialect: .keras2, layout: .archive),
    Profile(dialect: .tfKeras, layout: .wholeModel),
    Profile(dialect: .tfKeras, layout: .legacyWeights),
    Profile(dialect: .tfKeras, layout: .weights), Profile(dialect: .tfKeras, layout: .archive),
    Profile(dialect: .keras3, layout: .wholeModel), Profile(dialect: .keras3, layout: .weights),
    Profile(dialect: .keras3, layout: .archive), Profile(dialect: .keras3, layout: .sharded),
    Profile(dialect: .keras3, layout: .directory),
  ]

  /// The name by which users choose it: `keras2-h5`, `tf-keras-weights`, `keras3-archive`.
  public var name: String {
    let family =
      switch dialect {
      case .keras2: "keras2"
      case .tfKeras: "tf-keras"
      case .keras3: "keras3"
      }
    let kind =
      switch layout {
      case .wholeModel: "h5"
      case .legacyWeights: "weights-h5"
      case .weights: "weights"
      case .archive: "archive"
      case .sharded, .directory, .safetensors, .npz: layout.rawValue
      }
    return "\(family)-\(kind)"
  }

  /// Whether this Keras reads bfloat16 back from this layout. The others write it, too, without the
  /// attribute that tells what it is, and then cannot load their own file.
  public var readsBFloat16: Bool {
    guard dialect == .keras3 else { return false }
    return switch layout {
    case .weights, .archive, .sharded, .directory: true
    case .wholeModel, .legacyWeights, .safetensors, .npz: false
    }
  }

  /// Nil for a name that is not among ``all``.
  public init?(name: String) {
    guard let profile = Self.all.first(where: { $0.name == name }) else { return nil }
    self = profile
  }
}
