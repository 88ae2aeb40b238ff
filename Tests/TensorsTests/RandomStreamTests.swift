import Tensors
import Testing

@Suite("RandomStream")
struct RandomStreamTests {
  @Test("gives the known answers of Philox4x32-10 (Random123, kat_vectors)")
  func knownAnswers() {
    let zeros = RandomStream(key: 0).words(at: 0)
    #expect(zeros == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = RandomStream(key: .max).words(at: .max, high: .max)
    #expect(ones == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = RandomStream(key: 0x299f_31d0_a409_3822)
      .words(at: 0x85a3_08d3_243f_6a88, high: 0x0370_7344_1319_8a2e)
    #expect(pi == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test("substreams differ from each other, from their parent, and by name")
  func substreams() {
    let stream = RandomStream(seed: 1)
    var keys = Set((0..<1000).map { stream.substream($0).key })
    keys.insert(stream.key)
    keys.insert(stream.substream(named: "dropout").key)
    keys.insert(stream.substream(named: "dropout_1").key)
    #expect(keys.count == 1003)
    #expect(stream.substream(named: "a") == stream.substream(named: "a"))
  }

  @Test("a permutation is one, and the one that an independent program gives")
  func permutation() {
    #expect(RandomStream(key: 42).permutation(of: 10) == [7, 0, 6, 2, 4, 8, 5, 9, 1, 3])
    #expect(RandomStream(key: 0xdead_beef_cafe_f00d).permutation(of: 7) == [6, 3, 1, 0, 2, 5, 4])
    for count in [0, 1, 2, 100] {
      let order = RandomStream(seed: 3).permutation(of: count)
      #expect(order.sorted() == Array(0..<count))
    }
  }

  @Test("every order of three is about equally likely")
  func permutationsAreUniform() {
    var counts: [[Int]: Int] = [:]
    for seed in 0..<6000 {
      counts[RandomStream(seed: UInt64(seed)).permutation(of: 3), default: 0] += 1
    }
    // 1000 expected, standard deviation 29.
    #expect(counts.count == 6)
    for count in counts.values { #expect(abs(count - 1000) < 150) }
  }

  @Test("uniform numbers lie in [0, 1) and have the moments of the uniform distribution")
  func uniform() {
    let stream = RandomStream(seed: 7)
    let floats = (0..<20_000).map { Double(stream.uniform(at: $0)) }
    let doubles = (0..<20_000).map { stream.uniformDouble(at: $0) }
    for values in [floats, doubles] {
      #expect(values.allSatisfy { (0..<1).contains($0) })
      let (mean, variance) = moments(values)
      // Standard errors 0.002 and 0.0005.
      #expect(abs(mean - 0.5) < 0.01)
      #expect(abs(variance - 1.0 / 12) < 0.003)
    }
  }

  @Test("normal numbers have mean 0 and variance 1, truncated ones stay within two deviations")
  func normal() {
    let stream = RandomStream(seed: 7)
    let (mean, variance) = moments((0..<20_000).map { stream.normal(at: $0) })
    #expect(abs(mean) < 0.04)
    #expect(abs(variance - 1) < 0.05)
    let truncated = (0..<20_000).map { stream.truncatedNormal(at: $0) }
    #expect(truncated.allSatisfy { $0.magnitude <= 2 })
    #expect(abs(moments(truncated).variance - 0.7737) < 0.04)
  }
}

func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
  let mean = values.reduce(0, +) / Double(values.count)
  return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
}
