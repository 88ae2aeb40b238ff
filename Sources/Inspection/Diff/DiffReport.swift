public import Checkpoints

/// What differs between two checkpoints: the report of `checkpoint-inspect diff`.
public struct DiffReport: Report, Sendable {
  let diff: CheckpointDiff

  public init(_ diff: CheckpointDiff) { self.diff = diff }

  /// Whether nothing differs.
  public var isEmpty: Bool { diff.isEmpty }

  public var text: [StyledText] {
    var table = TextTable()
    for item in diff.items {
      if let words = item.words { table.add([StyledText(item.name), words]) }
    }
    var lines = table.lines
    for difference in diff.configuration {
      lines.append(
        "\(difference.path): \(difference.before ?? "absent") -> \(difference.after ?? "absent")")
    }
    lines += diff.notes.map { "note: ".styled(.warning) + StyledText($0) }
    let equal = diff.items.count { $0.words == nil }
    let summary = StyledText(": \(equal) of \(diff.items.count) tensors equal")
    lines.append((isEmpty ? "same".styled(.good) : "different".styled(.warning)) + summary)
    return lines
  }
}

extension CheckpointDiff.Item {
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
    let words =
      "\(changedCount) of \(elementCount) changed,"
      + " max \(Readable.number(maximumDistance)), mean \(Readable.number(meanDistance))"
    guard nonFiniteCount > 0 else { return StyledText(words) }
    return StyledText(words) + ", \(nonFiniteCount) to or from NaN or infinity".styled(.bad)
  }
}
