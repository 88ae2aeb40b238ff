import CKernels

/// Numbers as unsigned integers of the same order: how elements are counted.
///
/// Of a float the key has all 32 bits. Of a double it has the upper 35, so that numbers that agree to one
/// part in 2^23 may share one. The upper part tells the sign, the exponent and 7 bits of the fraction; the
/// lower part has 16 bits.
struct ElementKey: Sendable, Hashable, Comparable {
  let bits: UInt64

  static let lowerBitCount: UInt64 = 16

  var upper: Int { Int(bits >> Self.lowerBitCount) }
  var lower: Int { Int(bits & (1 << Self.lowerBitCount - 1)) }

  init(upper: Int, lower: Int) { bits = UInt64(upper) << Self.lowerBitCount | UInt64(lower) }

  /// The key of the smallest number of the width that is not below `value`, which is finite; of a zero that
  /// of -0, so that no zero is below it.
  init(_ value: Double, _ width: ElementWidth) {
    switch width {
    case .single:
      var single = Float(value)
      if Double(single) < value { single = single.nextUp }
      let pattern = (single == 0 ? -0.0 : single).bitPattern
      bits = UInt64(pattern ^ (pattern >> 31 == 1 ? .max : 1 << 31))
    case .double:
      let pattern = (value == 0 ? -0.0 : value).bitPattern
      bits = (pattern ^ (pattern >> 63 == 1 ? .max : 1 << 63)) >> 29
    }
  }

  /// The smallest number that has this key; a zero is 0.
  func value(_ width: ElementWidth) -> Double {
    let value: Double
    switch width {
    case .single:
      let key = UInt32(bits)
      value = Double(Float(bitPattern: key ^ (key >> 31 == 0 ? .max : 1 << 31)))
    case .double:
      let key = bits << 29
      value = Double(bitPattern: key ^ (key >> 63 == 0 ? .max : 1 << 63))
    }
    // The key of -0 in double stands for the smallest subnormals as well.
    return value == 0 || self == ElementKey(0, width) ? 0 : value
  }

  static func < (a: Self, b: Self) -> Bool { a.bits < b.bits }
}

extension ElementWidth {
  /// Counts that a table of upper parts has.
  var upperCount: Int {
    switch self {
    case .single: CK_UPPER_COUNT_F32
    case .double: CK_UPPER_COUNT_F64
    }
  }

  /// The upper parts of the finite elements' keys: those of infinities have no other bit of the fraction.
  var finiteUppers: Range<Int> { 1 << 7..<upperCount - 1 << 7 }
}
