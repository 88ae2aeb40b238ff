import Checkpoints

extension DiffReport {
  public var text: [StyledText] {
    var lines = options.isBrief ? [] : tensorLines
    if !options.isBrief {
      lines += diff.configuration.map { StyledText($0.sentence) }
      lines += diff.notes.map { "note: ".styled(.warning) + StyledText($0) }
    }
    lines += descent.lines(explaining: options.explains)
    let equal = diff.items.count { $0.words == nil }
    let summary = StyledText(": \(equal) of \(diff.items.count) tensors equal")
    lines.append((isEmpty ? "same".styled(.good) : "different".styled(.warning)) + summary)
    return lines
  }

  /// A line for each tensor that differs: first what has no counterpart, then what changed most.
  private var tensorLines: [StyledText] {
    let items = diff.items.enumerated().sorted { a, b in
      let (x, y) = (a.element.weight, b.element.weight)
      return x == y ? a.offset < b.offset : x > y
    }
    var table = TextTable()
    for item in items.map(\.element) {
      if let words = item.words { table.add([StyledText(item.name), words]) }
    }
    return table.lines
  }
}

extension CheckpointDiff.Item {
  /// By which the differences are ordered: the relative change, anything else before that; counters and
  /// the like, whose change tells nothing, after all.
  fileprivate var weight: Double {
    switch (outcome, (before ?? after)!.role) {
    case (.equal, _): -2
    case (.changed, .iteration), (.changed, .learningRate), (.changed, .lossScale): -1
    case (.changed(let comparison), _):
      comparison.nonFiniteCount > 0 ? .infinity : comparison.relativeChange
    default: .infinity
    }
  }

  /// The difference in words; nil when there is none.
  fileprivate var words: StyledText? {
    switch outcome {
    case .equal: nil
    case .changed(let comparison): comparison.words
    case .onlyInFirst: "only in the first".styled(.warning)
    case .onlyInSecond: "only in the second".styled(.warning)
    case .shapeDiffers: "shape \(before!.shape) -> \(after!.shape)".styled(.warning)
    case .dtypeDiffers: "dtype \(before!.storedType) -> \(after!.storedType)".styled(.warning)
    case .ambiguous: "the name stands for several tensors".styled(.warning)
    }
  }
}

extension TensorComparison {
  fileprivate var words: StyledText {
    var words = "\(changedCount) of \(elementCount) changed"
    if relativeChange.isFinite {
      words += " by \(Readable.percentage(relativeChange))"
    }
    words +=
      ", max \(Readable.number(maximumDistance)), mean \(Readable.number(meanDistance))"
    guard nonFiniteCount > 0 else { return StyledText(words) }
    return StyledText(words) + ", \(nonFiniteCount) to or from NaN or infinity".styled(.bad)
  }
}

extension Readable {
  /// A share, such as `12.5%`, to three digits.
  static func percentage(_ share: Double) -> String {
    let percent = share * 100
    guard percent.isFinite, percent > 0 else { return "\(percent)%" }
    var scale = 1.0
    while percent * scale < 100, scale < 1e12 { scale *= 10 }
    return "\(number((percent * scale).rounded() / scale))%"
  }
}
