import CDeflate
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What stands side by side in a file.
enum FileSegment {
  /// Bytes that live, and stay as they are, until they are written.
  case memory(UnsafeRawBufferPointer)
  /// The elements of a snapshot, which must be asked for them piece by piece, and whether each piece is
  /// given up once it is written.
  case snapshot(Tensor, isGivenUp: Bool)
  /// Bytes that the file has already.
  case written(byteCount: Int)
}

/// Bytes from several places in memory, or some bytes of a snapshot, that go side by side into a file.
///
/// Sendable like the pointers that it holds: whoever makes one sees to it that the memory lives, and stays
/// as it is, until the write is done.
struct GatheredWrite: @unchecked Sendable {
  let offset: Int
  private(set) var byteCount = 0
  private var pieces: [iovec] = []
  /// Where the bytes come from if not from `pieces`.
  private var source: (snapshot: Tensor, range: Range<Int>, isGivenUp: Bool)?

  /// Bytes of one write: several fit in a processor's cache, and a disk is busy with each for a while. A
  /// multiple of it in the file is where the next one begins.
  private static let maximumByteCount = 8 << 20
  /// Bytes of one call. Measured with 313 MiB on ext4 in a virtual machine: by calls of 8 MiB 132 to 670 ms, by
  /// calls of 64 KiB 156 to 195 ms, and slower again below. Perhaps because Linux keeps what one call writes in
  /// one piece of memory, up to 2 MiB, and such a piece has often to be put together first.
  private static let callByteCount = 64 << 10
  /// Bytes of a snapshot that are copied and written at once: few enough to stay in the cache between, and a
  /// block that has a digest.
  static let copiedByteCount = DigestTable.blockByteCount
  /// What `pwritev` takes at once (`IOV_MAX`).
  private static let maximumPieceCount = 1024

  private init(at offset: Int) { self.offset = offset }

  /// The writes that put `segments` side by side into a file.
  ///
  /// - Parameters:
  ///   - offset: where the first one goes.
  ///   - border: a place in the file over which no write goes.
  static func covering(
    _ segments: [FileSegment], from offset: Int, splittingAt border: Int? = nil
  ) -> [GatheredWrite] {
    var writes: [GatheredWrite] = []
    var current = GatheredWrite(at: offset)
    var position = offset
    func room() -> Int {
      let limit = maximumByteCount - position % maximumByteCount
      guard let border, position < border else { return limit }
      return min(limit, border - position)
    }
    func end() {
      if current.byteCount > 0 { writes.append(current) }
      current = GatheredWrite(at: position)
    }
    for segment in segments {
      switch segment {
      case .memory(var rest):
        while rest.count > 0 {
          if current.pieces.count == maximumPieceCount { end() }
          let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room()))
          current.append(part)
          position += part.count
          rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
          if position % maximumByteCount == 0 || position == border { end() }
        }
      case .snapshot(let tensor, let isGivenUp):
        for start in stride(from: 0, to: tensor.byteCount, by: copiedByteCount) {
          end()
          let range = start..<min(start + copiedByteCount, tensor.byteCount)
          current.source = (tensor, range, isGivenUp)
          current.byteCount = range.count
          position += range.count
        }
        end()
      case .written(let byteCount):
        end()
        position += byteCount
        current = GatheredWrite(at: position)
      }
    }
    if current.byteCount > 0 { writes.append(current) }
    return writes
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    pieces.append(
      iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
    byteCount += bytes.count
  }

  /// Whether the bytes are those of a snapshot.
  var isOfSnapshot: Bool { source != nil }

  /// Calls `body` with a write of the same bytes from memory, and with those bytes if they are a
  /// snapshot's, which are then copied to `scratch` if they have to be.
  func withMemory(
    scratch: UnsafeMutableRawBufferPointer,
    _ body: (GatheredWrite, UnsafeRawBufferPointer?) -> Void
  ) {
    guard let source else { return body(self, nil) }
    source.snapshot.withBytes(in: source.range, scratch: scratch) { bytes in
      var write = GatheredWrite(at: offset)
      write.append(bytes)
      body(write, bytes)
    }
    if source.isGivenUp { source.snapshot.discardBytes(in: source.range) }
  }

  /// The CRC-32 of the bytes.
  var checksum: UInt32 {
    pieces.reduce(0) { libdeflate_crc32($0, $1.iov_base, $1.iov_len) }
  }

  /// Returns 0, or the `errno` of the call that failed.
  func perform(_ descriptor: Int32) -> Int32 {
    pieces.transfer(at: offset, splittingEvery: Self.callByteCount, endCode: ENOSPC) {
      pwritev(descriptor, $0, $1, $2)
    }
  }
}
