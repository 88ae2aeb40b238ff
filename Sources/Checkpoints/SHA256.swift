internal import CNettle

/// SHA-256 (FIPS 180-4) of bytes given piece by piece.
public struct SHA256: ~Copyable {
  private var context = sha256_ctx()

  public init() { nettle_sha256_init(&context) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    nettle_sha256_update(
      &context, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  /// The digest as 64 lower-case hexadecimal digits.
  public consuming func finalize() -> String { digest().hexadecimal }

  /// Bytes of a digest.
  static let byteCount = Int(SHA256_DIGEST_SIZE)

  /// The digest's 32 bytes. Begins anew afterwards.
  mutating func digest() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { bytes, count in
      nettle_sha256_digest(&context, bytes.count, bytes.baseAddress)
      count = bytes.count
    }
  }

  /// Puts the digest behind other bytes. Begins anew afterwards.
  mutating func appendDigest(to bytes: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { digest in
      nettle_sha256_digest(
        &context, digest.count, digest.baseAddress!.assumingMemoryBound(to: UInt8.self))
      bytes.append(contentsOf: digest)
    }
  }
}

extension [UInt8] {
  /// Two lower-case digits a byte.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
