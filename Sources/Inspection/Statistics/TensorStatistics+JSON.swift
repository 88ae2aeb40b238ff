import KerasConfiguration

extension TensorStatistics {
  /// As `Schemas/show.json` describes `statistics`.
  var json: JSONValue {
    var object = moments
    object.append(
      "quantiles",
      distribution.map { distribution in
        .object(
          JSONObject(
            zip(Self.quantileNames, distribution.quantiles).map { ($0, JSONValue($1)) }))
      } ?? .null)
    object.append("histogram", distribution?.histogram.json ?? .null)
    return .object(object)
  }

  /// The columns of ``record``.
  static let columns =
    [
      "count", "minimum", "maximum", "mean", "standardDeviation", "zeroCount", "nanCount",
      "infinityCount", "sparsity",
    ] + quantileNames + ["histogramCounts"]

  /// ``json`` without anything nested but a list.
  var record: JSONObject {
    var object = moments
    for (name, quantile) in zip(Self.quantileNames, distribution?.quantiles ?? []) {
      object.append(name, JSONValue(quantile))
    }
    object.append("histogramCounts", distribution?.histogram.json["counts"] ?? .null)
    return object
  }

  /// `p1` for the quantile that one percent lies below.
  private static let quantileNames = Distribution.shares.map { "p\(Int(($0 * 100).rounded()))" }

  private var moments: JSONObject {
    JSONObject([
      ("count", JSONValue(count)), ("minimum", JSONValue(minimum)),
      ("maximum", JSONValue(maximum)), ("mean", JSONValue(mean)),
      ("standardDeviation", JSONValue(standardDeviation)), ("zeroCount", JSONValue(zeroCount)),
      ("nanCount", JSONValue(nanCount)), ("infinityCount", JSONValue(infinityCount)),
      ("sparsity", JSONValue(sparsity)),
    ])
  }
}

extension Histogram {
  var json: JSONValue {
    [
      "edges": .array(edges.map { JSONValue($0) }),
      "counts": .array(counts.map { JSONValue($0) }),
    ]
  }
}
