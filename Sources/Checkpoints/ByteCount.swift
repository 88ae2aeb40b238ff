/// A number of bytes as people write it.
package struct ByteCount: Sendable, Hashable, LosslessStringConvertible {
  package let bytes: Int

  /// `1048576`, `200M`, `5G`: K, M, G and T are powers of 1024. Nil for anything else, and for numbers
  /// below 1.
  package init?(_ text: String) {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let factor = text.last.flatMap { units[$0] }
    guard let count = Int(factor == nil ? text : String(text.dropLast())), count > 0,
      case (let bytes, let overflow) = count.multipliedReportingOverflow(by: factor ?? 1), !overflow
    else { return nil }
    self.bytes = bytes
  }

  package var description: String { "\(bytes)" }
}
