/// The order in which members and attributes are listed: runs of digits compare as numbers, all
/// else by bytes, so that `dense_2` comes before `dense_10`. HDF5 itself gives them in string order.
package enum NumericAwareOrder {
  /// Whether `first` comes before `second`. A total order: names that differ only in leading zeros
  /// are ordered by their bytes.
  package static func precedes(_ first: String, _ second: String) -> Bool {
    var first = first
    var second = second
    return first.withUTF8 { a in second.withUTF8 { b in precedes(a, b) } }
  }

  private static func precedes(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    var i = 0
    var j = 0
    while i < a.count, j < b.count {
      if isDigit(a[i]), isDigit(b[j]) {
        let left = digits(a, from: &i)
        let right = digits(b, from: &j)
        if left.count != right.count { return left.count < right.count }
        if !left.elementsEqual(right) { return left.lexicographicallyPrecedes(right) }
      } else if a[i] != b[j] {
        return a[i] < b[j]
      } else {
        i += 1
        j += 1
      }
    }
    if (i < a.count) != (j < b.count) { return j < b.count }
    return a.lexicographicallyPrecedes(b)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// The run of digits that starts at `index`, without leading zeros; moves `index` behind it.
  private static func digits(
    _ bytes: UnsafeBufferPointer<UInt8>, from index: inout Int
  ) -> Slice<UnsafeBufferPointer<UInt8>> {
    while index < bytes.count, bytes[index] == 0x30 { index += 1 }
    let start = index
    while index < bytes.count, isDigit(bytes[index]) { index += 1 }
    return bytes[start..<index]
  }
}
