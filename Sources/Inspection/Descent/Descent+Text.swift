extension Descent {
  /// The verdict, what contradicts it, and what the updates between the files were like.
  ///
  /// - Parameter isExplaining: whether everything is told that the verdict rests on, in sentences.
  func lines(explaining isExplaining: Bool) -> [StyledText] {
    var lines: [StyledText] = [headline]
    let contradictions = allContradictions
    let told = isExplaining ? contradictions.count : Self.briefCount
    lines += contradictions.prefix(told).map { "  ".styled(.plain) + $0.sentence.styled(.bad) }
    if contradictions.count > told {
      lines.append("  and \(contradictions.count - told) more of the kind; --explain tells all")
    }
    if isExplaining {
      lines += explanation.map { StyledText("  \($0)") }
    } else {
      lines += obstacles.prefix(1).map { StyledText("  \($0)") }
    }
    return lines
  }

  /// Contradictions that are told without being asked.
  private static let briefCount = 5

  /// Those of all variables, and of everything together.
  public var allContradictions: [Contradiction] {
    contradictions + variables.flatMap(\.contradictions)
  }

  /// How many steps lie between; empty where that is not known.
  var distance: String {
    switch stepsApart {
    case nil: ""
    case 1?: "1 step apart"
    case let steps?: "\(steps) steps apart"
    }
  }

  private var headline: StyledText {
    let distance = distance.isEmpty ? "" : ", \(distance)"
    return switch verdict {
    case .consistent: "descent: " + "consistent".styled(.good) + StyledText(distance)
    case .impossible: "descent: " + "impossible".styled(.bad) + StyledText(distance)
    case .notProvable: "descent: " + "not provable".styled(.warning) + StyledText(distance)
    }
  }

  private var explanation: [String] {
    var sentences = [verdict.sentence]
    if let stepsApart, stepsApart >= 0 {
      sentences.append(
        updateCount == stepsApart
          ? "The optimizer's counter grew by \(stepsApart)."
          : "The optimizer's counter grew by \(stepsApart), for \(updateCount ?? 0) updates of"
            + " accumulated gradients.")
    }
    if let rate = greatestLearningRate {
      sentences.append("No learning rate above \(Readable.number(rate)) is reckoned with.")
    }
    for variable in variables {
      if let sentence = variable.sentence { sentences.append(sentence) }
    }
    sentences += obstacles.map { "Not more can be said since \($0)." }
    for variable in variables {
      sentences += variable.obstacles.map { "Of \(variable.name) not more can be said: \($0)." }
    }
    sentences += assumptions.map { "Taken for granted: \($0)." }
    return sentences
  }
}

extension Descent.Verdict {
  fileprivate var sentence: String {
    switch self {
    case .consistent:
      "Training can lead from the first file to the second: no accumulator fell, and no weight went"
        + " further than its accumulator accounts for."
    case .impossible: "No training leads from the first file to the second."
    case .notProvable:
      "Nothing contradicts that training led from the first file to the second, but not enough can be"
        + " asked to call it consistent."
    }
  }
}

extension VariableDescent {
  /// How large its gradients were and how much of it they touched; nil where neither is known.
  fileprivate var sentence: String? {
    guard let gradient = rootMeanSquareGradient else { return nil }
    var sentence = "The gradients of \(name) had a root mean square of \(Readable.number(gradient))"
    if let touched = touchedRowCount, let rows = rowCount, touched < rows {
      sentence += "; \(touched) of \(rows) rows were touched"
      if let gradient = rootMeanSquareGradientOfTouchedRows {
        sentence += ", by \(Readable.number(gradient)) each"
      }
    }
    return sentence + "."
  }
}

extension Contradiction {
  /// What happened, where, by how much, and why that cannot be.
  public var sentence: String {
    let place = (tensor ?? "all variables") + (worst.map { "\($0.index)" } ?? "")
    let others = count > 1 && worst != nil ? ", and \(count - 1) more" : ""
    func number(_ value: Double) -> String { Readable.number(value) }
    switch kind {
    case .counterFell: return "the count of updates fell by \(number(-found))"
    case .accumulatorFell:
      return "\(place) fell from \(number(limit)) to \(number(found))\(others): squares are only"
        + " added to it"
    case .notANumberHealed: return "\(place) was NaN and is \(number(found))\(others)"
    case .notANumberWithoutCause:
      return "\(place) is \(number(found))\(others), though its accumulator is a number"
    case .notANumberWithoutEffect:
      return "\(place) is \(number(found))\(others), though its accumulator is NaN"
    case .grewBeyondClipping:
      let what = worst == nil ? "grew in sum by" : "grew by"
      return "\(place) \(what) \(number(found))\(others): clipped gradients add at most"
        + " \(number(limit))"
    case .movedTooFar:
      return "\(place) moved by \(number(found))\(movement)\(others): its accumulator accounts for"
        + " \(number(limit)) at most"
    case .movedTooLittle:
      return "\(place) moved by \(number(found))\(movement)\(others): its accumulator asks for"
        + " \(number(limit)) at least"
    case .averageTooFar:
      return "\(place) is \(number(found)) away from every weight before\(others): they moved by"
        + " \(number(limit)) at most"
    case .grewWithoutUpdate:
      return "\(place) grew by \(number(found))\(others) without an update"
    case .changedWithoutUpdate:
      return "\(place) changed by \(number(found))\(others) without an update"
    }
  }

  /// From where to where the weight went.
  private var movement: String {
    guard let worst else { return "" }
    return " (\(Readable.number(worst.weightBefore)) to \(Readable.number(worst.weightAfter)))"
  }
}
