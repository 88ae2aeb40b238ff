import CKernels

/// How the digests of a file are computed.
///
/// Either finds accidents: bits that flipped on a disk or on the way to it, pages that were never
/// written, files cut short. Neither proves who wrote a file, since whoever can change the tensors can
/// change the digests beside them.
public enum DigestAlgorithm: String, Sendable, CaseIterable {
  /// CRC-32C (RFC 3720): 4 bytes a block, as fast as memory is read.
  case crc32c
  /// SHA-256 (FIPS 180-4): 32 bytes a block, for comparing blocks with those of another place.
  case sha256
}

extension DigestAlgorithm {
  /// The number that stands for it in files.
  var identifier: UInt32 {
    switch self {
    case .crc32c: 1
    case .sha256: 2
    }
  }

  init?(identifier: UInt32) {
    guard let found = Self.allCases.first(where: { $0.identifier == identifier }) else {
      return nil
    }
    self = found
  }

  /// Bytes of one digest.
  var byteCount: Int {
    switch self {
    case .crc32c: 4
    case .sha256: 32
    }
  }

  /// As people write it.
  public var title: String {
    switch self {
    case .crc32c: "CRC-32C"
    case .sha256: "SHA-256"
    }
  }

  /// The digest of bytes as it stands in files: a CRC little-endian.
  public func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var digest = RunningDigest(self)
    digest.update(bytes)
    return digest.finalize()
  }

  /// Writes the digest of bytes, as it stands in files, to `place`.
  func write(digestOf bytes: UnsafeRawBufferPointer, to place: UnsafeMutableRawBufferPointer) {
    switch self {
    case .crc32c:
      place.storeBytes(of: CRC32C.checksum(of: bytes).littleEndian, as: UInt32.self)
    case .sha256: place.copyBytes(from: digest(bytes))
    }
  }

  func digest(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { digest($0) } }
}

/// A digest of bytes given piece by piece.
struct RunningDigest: ~Copyable {
  private let algorithm: DigestAlgorithm
  private var crc: UInt32 = 0
  private var sha = SHA256()

  init(_ algorithm: DigestAlgorithm) { self.algorithm = algorithm }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    switch algorithm {
    case .crc32c: crc = CRC32C.checksum(of: bytes, continuing: crc)
    case .sha256: sha.update(bytes)
    }
  }

  /// The digest as it stands in files, a CRC little-endian. Begins anew afterwards.
  mutating func finalize() -> [UInt8] {
    switch algorithm {
    case .crc32c:
      defer { crc = 0 }
      return withUnsafeBytes(of: crc.littleEndian) { Array($0) }
    case .sha256: return sha.digest()
    }
  }
}

/// CRC-32C, the checksum of iSCSI: polynomial 0x1EDC6F41, reflected, all ones before and after
/// (RFC 3720, appendix B.4).
enum CRC32C {
  /// The checksum of these bytes behind those that `crc` is the checksum of; 0 for none.
  static func checksum(of bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
    ck_crc32c(crc, bytes.baseAddress, bytes.count)
  }

  static func checksum(of bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBytes { checksum(of: $0) }
  }

  /// The same, computed without the processor's instruction for it.
  static func portableChecksum(
    of bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0
  ) -> UInt32 {
    ck_crc32c_portable(crc, bytes.baseAddress, bytes.count)
  }
}
