import KerasConfiguration
import Tensors

/// What the elements of a tensor look like: by which damage is told where no digest tells it.
struct TensorSigns: Sendable, Hashable {
  private(set) var elementCount = 0
  private(set) var notFinite = 0
  private(set) var negative = 0
  private(set) var zero = 0
  /// The largest and the next largest magnitude among the finite elements.
  private(set) var largest = 0.0
  private(set) var nextLargest = 0.0
  /// Sectors of 512 bytes of the file, whole ones, that are zero from end to end.
  private(set) var zeroSectors = 0
  /// How many elements lie in these.
  private(set) var zerosInSectors = 0

  private static let sectorByteCount = 512

  init() {}

  /// Takes the next elements.
  ///
  /// - Parameter offset: where they lie in the file; of elements that lie nowhere as they are, their place
  ///   in the tensor.
  mutating func update(_ tensor: Tensor, at offset: Int) {
    tensor.converted(to: .float64).withElements(of: Double.self) { elements in
      for value in elements {
        elementCount += 1
        guard value.isFinite else {
          notFinite += 1
          continue
        }
        if value < 0 { negative += 1 }
        if value == 0 { zero += 1 }
        let magnitude = value.magnitude
        if magnitude > largest {
          nextLargest = largest
          largest = magnitude
        } else if magnitude > nextLargest {
          nextLargest = magnitude
        }
      }
    }
    tensor.withUnsafeBytes { bytes in
      let sector = Self.sectorByteCount
      var start = (sector - offset % sector) % sector
      while start + sector <= bytes.count {
        if bytes[start..<start + sector].allSatisfy({ $0 == 0 }) {
          zeroSectors += 1
          zerosInSectors += sector / tensor.dtype.byteCount
        }
        start += sector
      }
    }
  }
}

extension TensorSigns {
  /// Why the elements are not those of a tensor in training; nil where nothing speaks against them.
  ///
  /// - Parameters:
  ///   - isSumOfSquares: whether they can never fall below zero.
  ///   - mayHaveZeroRows: whether rows of zeros are usual, as in slots of rows that were never used.
  func suspicion(isSumOfSquares: Bool, mayHaveZeroRows: Bool) -> String? {
    if notFinite > 0 {
      return "\(notFinite) of \(elementCount) elements are NaN or infinite"
    }
    if isSumOfSquares, negative > 0 {
      return "\(negative) of \(elementCount) elements are negative, which sums of squares never are"
    }
    // One element that stands out like this has a turned bit in its exponent.
    if elementCount >= 16, nextLargest > 0, largest > 1e6 * nextLargest {
      return "one element of magnitude \(largest) among others of at most \(nextLargest)"
    }
    if !mayHaveZeroRows, zeroSectors > 0, zero < elementCount,
      zero - zerosInSectors <= elementCount / 100
    {
      return
        "\(zeroSectors * Self.sectorByteCount) bytes in whole sectors of the disk are zero, and"
        + " hardly any others: they were never written, or wiped"
    }
    return nil
  }
}

extension TensorSigns {
  var json: JSONValue {
    [
      "elements": JSONValue(elementCount), "notFinite": JSONValue(notFinite),
      "negative": JSONValue(negative), "zero": JSONValue(zero), "largest": JSONValue(largest),
      "nextLargest": JSONValue(nextLargest), "zeroSectors": JSONValue(zeroSectors),
      "zerosInSectors": JSONValue(zerosInSectors),
    ]
  }

  init?(json: JSONValue) {
    guard let elementCount = json["elements"]?.int, let notFinite = json["notFinite"]?.int,
      let negative = json["negative"]?.int, let zero = json["zero"]?.int,
      let largest = json["largest"]?.double, let nextLargest = json["nextLargest"]?.double,
      let zeroSectors = json["zeroSectors"]?.int, let zerosInSectors = json["zerosInSectors"]?.int
    else { return nil }
    self.elementCount = elementCount
    self.notFinite = notFinite
    self.negative = negative
    self.zero = zero
    self.largest = largest
    self.nextLargest = nextLargest
    self.zeroSectors = zeroSectors
    self.zerosInSectors = zerosInSectors
  }
}
