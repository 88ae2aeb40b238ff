extension LayerSchema {
  /// The variables of an object in a v3 weights file of which nothing is known but its group, such as
  /// `layers/dense_1` or `layers/lstm/cell`, and how many datasets its `vars` holds. Nil for a class
  /// that Cairn does not know, and where the count leaves a choice (a normalization with one of gamma
  /// and beta).
  public static func guessedVariables(group: String, count: Int) -> [VariableSchema]? {
    let parts = group.split(separator: "/").map(String.init)
    guard let last = parts.last else { return nil }
    let element = classPart(of: last)
    if count == 0 { return classesByElement[element] == nil ? nil : [] }
    let owner = parts.count > 1 ? classPart(of: parts[parts.count - 2]) : ""
    let className: String
    switch element {
    case "cell":
      guard
        ["lstm", "gru", "simple_rnn", "conv_lstm1d", "conv_lstm2d", "conv_lstm3d"]
          .contains(owner) || ["forward_layer", "backward_layer"].contains(owner)
      else { return nil }
      className = "LSTMCell"
    case "query_dense", "key_dense", "value_dense", "output_dense", "_query_dense", "_key_dense",
      "_value_dense", "_output_dense":
      guard owner == "multi_head_attention" else { return nil }
      className = "Dense"
    default:
      guard let known = classesByElement[element] else { return nil }
      className = known
    }
    let candidates = Set(
      optionSets.compactMap { options in
        LayerSchema(className: className, configuration: options, dialect: .keras3)?.variables
      }
    ).filter { $0.count == count }
    return candidates.count == 1 ? candidates.first : nil
  }

  /// `dense` of `dense_1`.
  private static func classPart(of element: String) -> String {
    guard let underscore = element.lastIndex(of: "_"),
      case let number = element[element.index(after: underscore)...], !number.isEmpty,
      number.allSatisfy(\.isNumber)
    else { return element }
    return String(element[..<underscore])
  }

  /// Every combination of the options that decide on variables.
  private static let optionSets: [JSONObject] = [true, false].flatMap { (first: Bool) in
    [true, false].flatMap { (second: Bool) -> [JSONObject] in
      let flags: [JSONObject] = [
        ["use_bias": .bool(first), "center": .bool(first), "scale": .bool(second)]
      ]
      return flags.flatMap { flags in
        [JSONObject(flags.pairs + [.init(key: "bias_axes", value: "a")]), flags]
      }
    }
  }

  private static let classesByElement: [String: String] = {
    let classes =
      [
        "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
        "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D",
        "SeparableConv2D", "BatchNormalization", "LayerNormalization", "GroupNormalization",
        "Normalization", "Embedding", "PReLU", "LSTMCell", "GRUCell", "SimpleRNNCell",
      ] + weightlessClasses
    return Dictionary(uniqueKeysWithValues: classes.map { (snakeCase($0), $0) })
  }()
}
