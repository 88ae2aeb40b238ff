import KerasConfiguration

extension OptimizerHealth {
  /// As `Schemas/show.json` describes `health`.
  var json: JSONValue {
    [
      "learningRate": JSONValue(learningRate),
      "variables": .array(variables.map(\.json)),
      "notes": .array(notes.map { .string($0) }),
    ]
  }

  /// The columns of ``Variable/record``.
  static let columns = [
    "frozenCount", "rowCount", "deadRowCount", "effectiveRateMinimum", "effectiveRateMedian",
    "effectiveRateMaximum", "averageDistance",
  ]

  var text: [StyledText] {
    guard !variables.isEmpty else { return notesText }
    var table = TextTable(rightAligned: [1, 2, 3, 6])
    let titles = [
      "optimizer health", "rate 5%", "median", "95%", "frozen", "dead rows", "average off by",
    ]
    table.add(titles.enumerated().map { $1.styled($0 == 0 ? .heading : .quiet) })
    for variable in variables { table.add(variable.cells) }
    return table.lines + notesText
  }

  private var notesText: [StyledText] {
    notes.map { "note: ".styled(.warning) + StyledText($0) }
  }
}

extension OptimizerHealth.Variable {
  fileprivate var json: JSONValue {
    var object = JSONObject([("name", .string(name))])
    if let adagrad {
      object.append("elementCount", JSONValue(adagrad.elementCount))
      object.append("frozenCount", JSONValue(adagrad.frozenCount))
      object.append("rowCount", JSONValue(adagrad.rowCount))
      object.append("deadRowCount", JSONValue(adagrad.deadRowCount))
      object.append(
        "effectiveRate",
        adagrad.effectiveRate.map { rate in
          [
            "minimum": JSONValue(rate.minimum), "p5": JSONValue(rate.p5),
            "median": JSONValue(rate.median), "p95": JSONValue(rate.p95),
            "maximum": JSONValue(rate.maximum),
          ]
        } ?? .null)
    }
    object.append("averageDistance", JSONValue(averageDistance))
    return .object(object)
  }

  var record: JSONObject {
    JSONObject([
      ("frozenCount", JSONValue(adagrad?.frozenCount)), ("rowCount", JSONValue(adagrad?.rowCount)),
      ("deadRowCount", JSONValue(adagrad?.deadRowCount)),
      ("effectiveRateMinimum", JSONValue(adagrad?.effectiveRate?.minimum)),
      ("effectiveRateMedian", JSONValue(adagrad?.effectiveRate?.median)),
      ("effectiveRateMaximum", JSONValue(adagrad?.effectiveRate?.maximum)),
      ("averageDistance", JSONValue(averageDistance)),
    ])
  }

  fileprivate var cells: [StyledText] {
    func number(_ value: Double?) -> StyledText {
      StyledText(value.map { Readable.rounded($0, digits: 4) } ?? "")
    }
    let rate = adagrad?.effectiveRate
    return [StyledText("  \(name)"), number(rate?.p5), number(rate?.median), number(rate?.p95)]
      + [frozen, deadRows, number(averageDistance)]
  }

  private var frozen: StyledText {
    guard let adagrad, adagrad.frozenCount > 0 else { return "" }
    if adagrad.isFrozen { return "never moved".styled(.warning) }
    return StyledText(Readable.share(adagrad.frozenCount, of: adagrad.elementCount))
  }

  private var deadRows: StyledText {
    guard let adagrad, let dead = adagrad.deadRowCount, let rows = adagrad.rowCount, dead > 0,
      !adagrad.isFrozen
    else { return "" }
    return "\(Readable.count(dead)) of \(Readable.count(rows))".styled(.warning)
  }
}
