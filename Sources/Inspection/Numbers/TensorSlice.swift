import Checkpoints
import Tensors

/// Which elements of a tensor: NumPy's basic indexing, `0:4, :`, `-1`, `::2`, `..., 0`.
public struct TensorSlice: Sendable, Hashable {
  /// What an axis is asked for.
  enum Item: Sendable, Hashable {
    /// One place; the axis goes. Negative ones count from the end.
    case index(Int)
    case range(start: Int?, end: Int?, step: Int)
    /// `:` for as many axes as are not mentioned.
    case ellipsis
  }

  let items: [Item]
  /// As it was written.
  public let text: String

  /// - Parameter text: what stands between the brackets.
  /// - Returns: nil for what is no such index.
  public init?(_ text: String) {
    self.text = text
    var items: [Item] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = part.filter { !$0.isWhitespace }
      if part.isEmpty {
        // As in `[:, ]`, which Python allows, and in `[]`, which is everything here.
        continue
      } else if part == "..." {
        if items.contains(.ellipsis) { return nil }
        items.append(.ellipsis)
      } else if part.contains(":") {
        let bounds = part.split(separator: ":", omittingEmptySubsequences: false)
        guard bounds.count <= 3 else { return nil }
        var numbers: [Int?] = []
        for bound in bounds {
          let number = Int(bound)
          if number == nil, !bound.isEmpty { return nil }
          numbers.append(number)
        }
        let step = numbers.count == 3 ? numbers[2] ?? 1 : 1
        guard step != 0 else { return nil }
        items.append(.range(start: numbers[0], end: numbers[1], step: step))
      } else if let index = Int(part) {
        items.append(.index(index))
      } else {
        return nil
      }
    }
    self.items = items
  }

  /// Places along one axis: `first`, `first + step`, ...
  struct Places: Sendable, Hashable {
    let first: Int
    let count: Int
    let step: Int
    /// False where a single place was asked for, and the result has no such axis.
    let isKept: Bool

    func callAsFunction(_ index: Int) -> Int { first + index * step }
  }

  /// Why a slice does not fit a shape.
  struct Misfit: Error {
    let problem: String
  }

  /// The places along each axis of a tensor.
  func places(in shape: Shape) throws(Misfit) -> [Places] {
    let mentioned = items.count { $0 != .ellipsis }
    guard mentioned <= shape.rank else {
      throw Misfit(problem: "expected at most \(shape.rank) indices, found \(mentioned)")
    }
    let whole = Item.range(start: nil, end: nil, step: 1)
    var expanded: [Item] = []
    for item in items {
      if item == .ellipsis {
        expanded += [Item](repeating: whole, count: shape.rank - mentioned)
      } else {
        expanded.append(item)
      }
    }
    expanded += [Item](repeating: whole, count: shape.rank - expanded.count)
    var places: [Places] = []
    for (axis, item) in expanded.enumerated() {
      places.append(try Self.places(item, axis: axis, extent: shape[axis]))
    }
    return places
  }

  private static func places(
    _ item: Item, axis: Int, extent: Int
  ) throws(Misfit) -> Places {
    switch item {
    case .index(let index):
      let place = index < 0 ? index + extent : index
      guard (0..<extent).contains(place) else {
        throw Misfit(
          problem: "index \(index) is out of range for axis \(axis), which has \(extent) places")
      }
      return Places(first: place, count: 1, step: 1, isKept: false)
    case .range(let start, let end, let step):
      // Python's `slice.indices`.
      let (lowest, highest) = step > 0 ? (0, extent) : (-1, extent - 1)
      func clamped(_ bound: Int?, otherwise: Int) -> Int {
        guard let bound else { return otherwise }
        return min(max(bound < 0 ? bound + extent : bound, lowest), highest)
      }
      let first = clamped(start, otherwise: step > 0 ? lowest : highest)
      let last = clamped(end, otherwise: step > 0 ? highest : lowest)
      let distance = step > 0 ? last - first : first - last
      // A step may be any number; beyond the extent it makes no difference.
      let stride = min(step.magnitude, UInt(max(1, extent)))
      let count = distance > 0 ? (distance - 1) / Int(stride) + 1 : 0
      return Places(
        first: first, count: count, step: step > 0 ? Int(stride) : -Int(stride), isKept: true)
    case .ellipsis: preconditionFailure("an ellipsis that was not expanded")
    }
  }
}

/// A tensor's name and which of its elements: `dense/kernel[0:4, :]`.
public struct TensorReference: Sendable, Hashable {
  public let name: String
  public let slice: TensorSlice

  /// - Returns: nil when there are brackets at the end, but no index in them.
  public init?(_ text: String) {
    guard text.last == "]", let open = text.lastIndex(of: "[") else {
      name = text
      slice = TensorSlice("")!
      return
    }
    guard let slice = TensorSlice(String(text[text.index(after: open)...].dropLast())) else {
      return nil
    }
    name = String(text[..<open])
    self.slice = slice
  }
}
