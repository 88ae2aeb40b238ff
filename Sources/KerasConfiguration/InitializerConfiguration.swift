public import Tensors

/// How a layer's variable gets its first values, as its configuration says: the initializer and
/// Keras's seed for it.
public struct InitializerConfiguration: Sendable, Hashable {
  /// The distribution of the first values.
  public var initializer: Initializer
  /// Keras's seed. It selects other numbers there than here; kept so that it is written back.
  public var seed: Int?
  /// The class that it is written as; several classes describe the same distribution.
  let className: String

  /// Written as the shortest of Keras's names, such as `GlorotUniform`.
  public init(_ initializer: Initializer, seed: Int? = nil) {
    self.initializer = initializer
    self.seed = seed
    className = Self.shortestClassName(of: initializer)
  }

  /// The classes that are variance scaling with fixed options.
  private static let scalingClasses: [(name: String, initializer: Initializer)] = [
    ("GlorotUniform", .glorotUniform), ("GlorotNormal", .glorotNormal),
    ("HeUniform", .heUniform), ("HeNormal", .heNormal),
    ("LecunUniform", .lecunUniform), ("LecunNormal", .lecunNormal),
  ]

  private static func shortestClassName(of initializer: Initializer) -> String {
    switch initializer {
    case .zeros: "Zeros"
    case .ones: "Ones"
    case .constant: "Constant"
    case .randomUniform: "RandomUniform"
    case .randomNormal: "RandomNormal"
    case .truncatedNormal: "TruncatedNormal"
    case .identity: "Identity"
    case .varianceScaling:
      scalingClasses.first { $0.initializer == initializer }?.name ?? "VarianceScaling"
    }
  }
}

// MARK: - Reading

extension InitializerConfiguration {
  /// The spellings by name alone, `glorot_uniform` besides `GlorotUniform`.
  private static let aliases: [String: String] = [
    "zeros": "Zeros", "zero": "Zeros", "ones": "Ones", "one": "Ones", "constant": "Constant",
    "random_uniform": "RandomUniform", "uniform": "RandomUniform",
    "random_normal": "RandomNormal", "normal": "RandomNormal",
    "truncated_normal": "TruncatedNormal", "identity": "Identity",
    "variance_scaling": "VarianceScaling",
    "glorot_uniform": "GlorotUniform", "glorot_normal": "GlorotNormal",
    "he_uniform": "HeUniform", "he_normal": "HeNormal",
    "lecun_uniform": "LecunUniform", "lecun_normal": "LecunNormal",
  ]

  static let knownClassNames =
    ["Zeros", "Ones", "Constant", "RandomUniform", "RandomNormal", "TruncatedNormal", "Identity"]
    + scalingClasses.map(\.name) + ["VarianceScaling"]

  /// From a name or a serialized object of any dialect.
  init(json: JSONValue, key: String, object: String) throws(ConfigurationError) {
    let name: String
    var options = JSONObject()
    if let text = json.string {
      name = text
    } else {
      let serialized = try SerializedObject(json, key: key, object: object)
      name = serialized.className
      options = serialized.configuration
    }
    let className = Self.aliases[name] ?? name
    self.className = className
    var reader = ConfigurationReader(options, object: "\(object), `\(key)` (\(className))")
    switch className {
    case "Zeros": initializer = .zeros
    case "Ones": initializer = .ones
    case "Constant": initializer = .constant(try reader.double("value", default: 0))
    case "Identity": initializer = .identity(gain: try reader.double("gain", default: 1))
    case "RandomUniform":
      initializer = .randomUniform(
        minimum: try reader.double("minval", default: -0.05),
        maximum: try reader.double("maxval", default: 0.05))
    case "RandomNormal":
      initializer = .randomNormal(
        mean: try reader.double("mean", default: 0),
        standardDeviation: try reader.double("stddev", default: 0.05))
    case "TruncatedNormal":
      initializer = .truncatedNormal(
        mean: try reader.double("mean", default: 0),
        standardDeviation: try reader.double("stddev", default: 0.05))
    case "VarianceScaling":
      initializer = try Self.varianceScaling(&reader)
    default:
      guard let scaling = Self.scalingClasses.first(where: { $0.name == className }) else {
        throw .unsupported(
          key: key, object: object, value: json,
          cure: "use one of " + Self.knownClassNames.joined(separator: ", "))
      }
      initializer = scaling.initializer
    }
    seed = try reader.optionalInt("seed")
    for axes in ["input_axes", "output_axes"] {
      try reader.refuse(axes, cure: "leave it null")
    }
    // Keras 2 lets every initializer carry the dtype and partition of an earlier generation.
    try reader.refuse("dtype", unless: [.null, "float32"], cure: "use float32")
    try reader.finish()
  }

  private static func varianceScaling(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> Initializer {
    let scale = try reader.double("scale", default: 1)
    let mode = try reader.string("mode", default: "fan_in")
    // Keras: "normal" is its older name of "truncated_normal".
    let distribution = try reader.string("distribution", default: "truncated_normal")
    guard let fan = Initializer.Fan(rawValue: mode) else {
      throw reader.unexpected("mode", "fan_in, fan_out or fan_avg")
    }
    let known = Initializer.Distribution(
      rawValue: distribution == "normal" ? "truncated_normal" : distribution)
    guard let known else {
      throw reader.unexpected(
        "distribution", "uniform, truncated_normal or untruncated_normal")
    }
    return .varianceScaling(scale: scale, mode: fan, distribution: known)
  }
}

extension ConfigurationReader {
  mutating func initializer(
    _ key: String, default: Initializer
  ) throws(ConfigurationError) -> InitializerConfiguration {
    guard let found = value(key), !found.isNull else { return InitializerConfiguration(`default`) }
    return try InitializerConfiguration(json: found, key: key, object: object)
  }
}

// MARK: - Writing

extension InitializerConfiguration {
  /// The object that Keras 2 writes.
  var json: JSONValue { ["class_name": .string(className), "config": .object(options)] }

  private var options: JSONObject {
    let seed = ("seed", JSONValue(self.seed))
    switch initializer {
    case .zeros, .ones: return JSONObject()
    case .constant(let value): return ["value": JSONValue(value)]
    case .identity(let gain): return ["gain": JSONValue(gain)]
    case .randomUniform(let minimum, let maximum):
      return JSONObject([("minval", JSONValue(minimum)), ("maxval", JSONValue(maximum)), seed])
    case .randomNormal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
      return JSONObject([("mean", JSONValue(mean)), ("stddev", JSONValue(deviation)), seed])
    case .varianceScaling(let scale, let mode, let distribution):
      guard className == "VarianceScaling" else { return JSONObject([seed]) }
      return JSONObject([
        ("scale", JSONValue(scale)), ("mode", .string(mode.rawValue)),
        ("distribution", .string(distribution.rawValue)), seed,
      ])
    }
  }
}
