import CKernels
import Foundation
import Testing

/// Where the processor has AVX-512 the kernels take roots by Newton's iteration, which must not show.
@Suite("The kernels' square roots are those of the instruction")
struct SquareRootTests {
  /// What one call of the kernel takes by iteration, or by the instruction, as a whole.
  static let blockCount = 64

  @Test("for all exponents and both signs, at significands all over the range")
  func exponents() {
    for sign: UInt32 in [0, 1 << 31] {
      for exponent: UInt32 in 0..<256 {
        expectRoots(
          ofBits: (0..<UInt32(8 * Self.blockCount)).map { index in
            // An odd multiplier goes through significands without a pattern.
            let significand = index < 64 ? index : (index &* 0x9e37_79b1) & 0x7f_ffff
            return sign | exponent << 23 | (index % 2 == 0 ? significand : 0x7f_ffff - significand)
          })
      }
    }
  }

  /// With them for all others, as long as nothing overflows or underflows: scaling by four doubles the root.
  @Test("for every significand, in two exponents")
  func significands() {
    let count = 1 << 16
    let all = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2 * count)
    defer { all.deallocate() }
    guard let roots = all.baseAddress else { return }
    let expected = roots + count
    for chunk in 0..<UInt32(1 << 24) / UInt32(count) {
      let first = Float(1).bitPattern + chunk * UInt32(count)
      for index in 0..<count { roots[index] = Float(bitPattern: first + UInt32(index)) }
      memcpy(expected, roots, count * 4)
      ck_square_roots_f32(count, roots)
      ck_square_roots_by_instruction_f32(count, expected)
      #expect(memcmp(roots, expected, count * 4) == 0, "from \(first)")
    }
  }

  /// The floats that `tools/prove_square_roots.py` finds, times even powers of two.
  @Test("at the roots that lie nearest to the middle between two floats")
  func hardCases() {
    let cases: [UInt32] = [
      0x3f80_0001, 0x3f80_0003, 0x3f80_0005, 0x3f80_0007, 0x3f92_5859, 0x3fa9_7bef, 0x3fb0_c6c3,
      0x3fb8_cc66, 0x3fbb_61f7, 0x3fcb_41e9, 0x3fcd_aeb2, 0x3fd4_61f1, 0x3fd4_6581, 0x3ff0_28ab,
      0x3ff0_d9ce, 0x3ffc_114a, 0x400f_e042, 0x402a_177f, 0x403b_8bcc, 0x403b_8e2a, 0x4041_bc4e,
      0x404d_142a, 0x4055_1dbf, 0x405a_e03b, 0x406e_9372, 0x407f_fff9, 0x407f_fffb, 0x407f_fffd,
      0x407f_ffff,
    ]
    for exponent in stride(from: -120, through: 124, by: 2) {
      let scale = Float(sign: .plus, exponent: exponent, significand: 1)
      expectRoots(
        ofBits: (0..<Self.blockCount).map {
          (Float(bitPattern: cases[$0 % cases.count]) * scale).bitPattern
        })
    }
  }

  @Test("beside a number that has no root, or whose remainder would underflow, at each place")
  func exceptions() {
    let least = Float(sign: .plus, exponent: -70, significand: 1)
    let exceptions: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, least.nextDown, least, .infinity,
      -.infinity, .nan, -1, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
    ]
    for exception in exceptions {
      for place in 0..<Self.blockCount {
        var bits = (0..<UInt32(Self.blockCount)).map { 0x3dcc_cccd + $0 &* 77_777 }
        bits[place] = exception.bitPattern
        expectRoots(ofBits: bits)
      }
    }
  }

  @Test("whatever the number of values and wherever they begin")
  func counts() {
    for count in [0, 1, 15, 16, 63, 64, 65, 127, 128, 1000] {
      for start in [0, 1, 7, 16] {
        expectRoots(ofBits: (0..<UInt32(start + count)).map { 0x4000_0000 + $0 &* 99_991 }, start)
      }
    }
  }

  /// Values before `start` must stay as they are.
  private func expectRoots(
    ofBits bits: [UInt32], _ start: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var roots = bits.map { Float(bitPattern: $0) }
    var expected = roots
    roots.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { ck_square_roots_f32($0.count - start, base + start) }
    }
    expected.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { return }
      ck_square_roots_by_instruction_f32($0.count - start, base + start)
    }
    let wrong = bits.indices.filter {
      roots[$0].bitPattern != expected[$0].bitPattern && !(roots[$0].isNaN && expected[$0].isNaN)
    }
    #expect(
      wrong.isEmpty, "\(wrong.prefix(4).map { String(bits[$0], radix: 16) })",
      sourceLocation: sourceLocation)
  }
}
