internal import CKernels
internal import KerasConfiguration
public import Tensors

extension Optimizer {
  /// Keeps variables from decaying, as Keras's `exclude_from_weight_decay` does: those in `variables`,
  /// and those in whose name one of `patterns` is found.
  ///
  /// A pattern is a regular expression, searched anywhere in the name, upper and lower case apart. The
  /// name searched is the one that Keras searches: the canonical name and `:0` (`hidden/bias:0`), in Keras
  /// 3 with the model's name before (`sequential/hidden/bias:0`) if `modelName` gives it.
  ///
  /// Each call replaces the exclusions of the one before. Throws
  /// ``OptimizerError/invalidArgument(name:value:requirement:)`` for a pattern that is no regular
  /// expression, and in Keras 2's arithmetic ``OptimizerError/alreadyBuilt`` once the optimizer is built.
  public mutating func excludeFromWeightDecay(
    _ variables: Set<VariableID> = [], patterns: [String] = [], modelName: String? = nil
  ) throws(OptimizerError) {
    guard !isBuilt || arithmetic == .keras3 else { throw .alreadyBuilt }
    try restore(
      WeightDecayExclusions(variables: variables, patterns: patterns, modelName: modelName))
  }

  /// Puts exclusions back that were in force when the state was saved, at any time.
  package mutating func restore(_ exclusions: WeightDecayExclusions) throws(OptimizerError) {
    for pattern in exclusions.patterns { _ = try WeightDecayExclusions.expression(pattern) }
    decays = try exclusions.decays(slots.variables, arithmetic)
    weightDecayExclusions = exclusions
  }
}

/// Which variables do not decay; see
/// ``Optimizer/excludeFromWeightDecay(_:patterns:modelName:)``.
public struct WeightDecayExclusions: Sendable, Hashable {
  /// Those that are excluded one by one (Keras's `var_list`).
  public let variables: Set<VariableID>
  /// Regular expressions, searched anywhere in a name.
  public let patterns: [String]
  /// What Keras 3 writes before a variable's name; nil for nothing.
  public let modelName: String?

  package init(
    variables: Set<VariableID> = [], patterns: [String] = [], modelName: String? = nil
  ) {
    self.variables = variables
    self.patterns = patterns
    self.modelName = modelName
  }

  /// Whether every variable decays.
  public var isEmpty: Bool { variables.isEmpty && patterns.isEmpty }

  static func expression(_ pattern: String) throws(OptimizerError) -> Regex<AnyRegexOutput> {
    do { return try Regex(pattern).matchingSemantics(.unicodeScalar) } catch {
      throw .invalidArgument(
        name: "var_names", value: pattern, requirement: "a regular expression (\(error))")
    }
  }

  /// By variable, whether it decays.
  func decays(
    _ variables: [VariableDescription], _ arithmetic: Arithmetic
  ) throws(OptimizerError) -> [Bool] {
    var expressions: [Regex<AnyRegexOutput>] = []
    for pattern in patterns { expressions.append(try Self.expression(pattern)) }
    let prefix = arithmetic == .keras3 ? modelName.map { "\($0)/" } ?? "" : ""
    return variables.map { variable in
      if self.variables.contains(variable.id) { return false }
      let name = "\(prefix)\(variable.name):0"
      return !expressions.contains { name.contains($0) }
    }
  }
}

/// The arithmetic of weight decay in one step, in the variable's dtype T:
/// `variable' = variable - ((variable * T(decay)) * T(rate))`, both numbers by way of float32.
///
/// Source: `_apply_weight_decay` of Keras 2.12 and 3.15.
struct DecayUpdate {
  let decay: Float
  let rate: Float

  func update(_ variable: Plane, count: Int, dtype: DType) {
    switch dtype {
    case .float32:
      ck_decay_f32(count, decay, rate, variable.oldElements(), variable.newElements())
    case .float64: update(variable, count, as: Double.self)
    case .float16: update(variable, count, as: Float16.self)
    case .bfloat16: update(variable, count, as: BFloat16.self)
    default: preconditionFailure("there is no decay of \(dtype) variables")
    }
  }

  private func update<T: UpdateScalar>(_ variable: Plane, _ count: Int, as _: T.Type) {
    let (decay, rate) = (T(decay), T(rate))
    let old = variable.oldElements(of: T.self)
    let new = variable.newElements(of: T.self)
    for i in 0..<count { new[i] = old[i] - (old[i] * decay) * rate }
  }
}
