/// A limit on gradients, applied before decay and update.
///
/// With `c` the limit and `n` a norm, all in the gradients' dtype T:
///
/// | rule | what becomes of a gradient g |
/// |---|---|
/// | ``norm(_:value:)`` | `s = sum(g * g)`, `n = s > 0 ? sqrt(s) : s`, `(g * c) / max(n, c)`, for each variable |
/// | ``globalNorm(_:value:)``, Keras 2 | `n = sqrt(2 * sum over variables of sum(g * g) / 2)`, `g * (c * min(1 / n, 1 / c) + (n - n))` |
/// | ``globalNorm(_:value:)``, Keras 3 | `n = sqrt(sum over variables of sum(g * g))`, the same factor with `1 / c` divided in double |
/// | ``value(_:)`` | `max(min(g, c), -c)` |
///
/// So a gradient inside the limit may still move by an ulp under the first two. A NaN makes its
/// variable's gradient NaN under `norm`, every gradient under `globalNorm`, and stays alone under `value`;
/// an infinity makes NaN of itself and zero of its neighbours under `norm`, NaN of everything under
/// `globalNorm`, and `c` or `-c` under `value`. Squares that overflow give zeros under `norm` and NaN
/// under `globalNorm`.
///
/// Sums of up to seven squares are added one by one in T, as Keras adds them. Longer ones are added in
/// double and rounded to T once; Keras's own order depends on the processor, and its accumulators are
/// then within 4 ulp of Cairn's.
///
/// Row-indexed gradients are clipped as they are given, before equal rows are summed; under
/// `globalNorm` Keras 3 then makes them dense, so that every row is updated.
///
/// One rule acts. A limit of zero, below zero, or NaN is off; `value` beside a norm, which Keras 2 lets
/// stand, acts only if the norm is off, and is kept for the configuration otherwise. The legacy classes
/// are different: they apply every limit that is given, `value` first.
///
/// Source: `_clip_gradients` in `keras/optimizers/optimizer_experimental/optimizer.py` (Keras 2.12) and
/// `keras/src/optimizers/base_optimizer.py` (Keras 3.15).
public enum GradientClipping: Sendable, Hashable {
  /// `clipnorm`: the greatest norm of one variable's gradient.
  case norm(Double, value: Double? = nil)
  /// `global_clipnorm`: the greatest norm of all gradients together.
  case globalNorm(Double, value: Double? = nil)
  /// `clipvalue`: the greatest magnitude of an element.
  case value(Double)

  /// The rule that acts in Keras 2 and 3; nil if every limit is off.
  public var active: GradientClipping? {
    switch self {
    case .norm(let limit, _) where limit > 0: .norm(limit)
    case .globalNorm(let limit, _) where limit > 0: .globalNorm(limit)
    case .norm(_, let value?), .globalNorm(_, let value?), .value(let value):
      value > 0 ? .value(value) : nil
    default: nil
    }
  }

  /// The limit of ``value(_:)``; nil for the other rules.
  var elementLimit: Double? {
    if case .value(let limit) = self { limit } else { nil }
  }

  /// Every limit that was given.
  var limits: [Double] {
    switch self {
    case .norm(let limit, let value), .globalNorm(let limit, let value):
      [limit, value].compactMap { $0 }
    case .value(let limit): [limit]
    }
  }

  /// `clipvalue`, wherever it stands.
  var valueLimit: Double? {
    switch self {
    case .norm(_, let value), .globalNorm(_, let value): value
    case .value(let value): value
    }
  }
}
