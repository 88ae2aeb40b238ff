import Foundation
import Testing

@testable import Checkpoints

@Suite("Vectored transfers") struct VectoredTransferTests {
  /// Moves pieces by calls that take `limit` bytes at most; whether one was given bytes on both sides of a
  /// multiple of `unit`.
  private func transfer(
    pieces lengths: [Int], at offset: Int, unit: Int, limit: Int
  ) -> Bool {
    let source = UnsafeMutableRawBufferPointer.allocate(
      byteCount: lengths.reduce(0, +), alignment: 64)
    defer { source.deallocate() }
    for index in source.indices {
      source[index] = UInt8(truncatingIfNeeded: index * 31 + index >> 8)
    }
    var start = 0
    let pieces = lengths.map { length in
      defer { start += length }
      return iovec(iov_base: source.baseAddress! + start, iov_len: length)
    }
    var written = [UInt8](repeating: 0, count: source.count)
    var crosses = false
    let code = pieces.transfer(at: offset, splittingEvery: unit, endCode: ENOSPC) {
      pieces, count, position in
      let given = (0..<Int(count)).reduce(0) { $0 + pieces![$1].iov_len }
      let start = Int(position)
      crosses = crosses || start / unit != (start + given - 1) / unit
      var done = 0
      for index in 0..<Int(count) {
        for byte in 0..<pieces![index].iov_len where done < limit {
          written[start - offset + done] = pieces![index].iov_base.load(
            fromByteOffset: byte, as: UInt8.self)
          done += 1
        }
      }
      return done
    }
    #expect(code == 0)
    #expect(written.elementsEqual(source))
    return crosses
  }

  @Test(
    "every byte is moved once to its place, and no call goes over a multiple of the unit",
    arguments: [[300], [7, 64, 1, 200, 28], [64, 64, 64], [1, 1, 1]], [0, 5, 63, 64])
  func units(lengths: [Int], offset: Int) {
    for limit in [1, 50, Int.max] {
      #expect(!transfer(pieces: lengths, at: offset, unit: 64, limit: limit))
    }
  }
}
