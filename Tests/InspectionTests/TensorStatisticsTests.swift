import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Inspection

@Suite("Tensor statistics")
struct TensorStatisticsTests {
  /// Numbers of very different sizes and both signs.
  private static func spread(_ count: Int, seed: UInt64 = 1) -> [Double] {
    var generator = SplitMix(state: seed)
    return (0..<count).map { _ in
      let uniform = Double(generator.next() >> 11) * 0x1p-53 - 0.5
      return uniform * pow(10, Double(Int(generator.next() % 9)) - 4)
    }
  }

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  /// What NumPy's `quantile` says.
  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let rank = Int(position)
    let (a, b) = (sorted[rank], sorted[min(rank + 1, sorted.count - 1)])
    return a + (b - a) * (position - Double(rank))
  }

  private static func isClose(_ a: Double?, _ b: Double, relative: Double) -> Bool {
    guard let a else { return false }
    return abs(a - b) <= relative * max(abs(a), abs(b)) + 1e-300
  }

  @Test(
    "agree with a plain computation, sorted or counted, whatever the dtype",
    arguments: DType.allCases, [1, 2, 7, 4096, 4097, 9_001])
  func plain(dtype: DType, count: Int) {
    let tensor = Tensor(Self.spread(count), shape: [count]).converted(to: dtype)
    let elements = tensor.converted(to: .float64).elements(of: Double.self)
    let statistics = TensorStatistics(of: tensor)
    let mean = elements.reduce(0, +) / Double(count)
    let squares = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let scale = elements.map(\.magnitude).max()!
    #expect(statistics.count == count && statistics.finiteCount == count)
    #expect(statistics.zeroCount == elements.count { $0 == 0 })
    #expect(statistics.minimum == elements.min() && statistics.maximum == elements.max())
    #expect(abs(statistics.mean! - mean) <= 1e-12 * scale)
    #expect(
      Self.isClose(
        statistics.standardDeviation, (squares / Double(count)).squareRoot(), relative: 1e-9))

    let sorted = elements.sorted()
    let distribution = statistics.distribution!
    // Of the wide dtypes an element is told to one part in 2^23.
    let tolerance = dtype.byteCount == 8 || dtype == .int32 || dtype == .uint32 ? 0x1p-22 : 1e-14
    for (share, quantile) in zip(Distribution.shares, distribution.quantiles) {
      let expected = Self.quantile(sorted, share)
      #expect(Self.isClose(quantile, expected, relative: tolerance), "\(share)")
    }
    let histogram = distribution.histogram
    #expect(histogram.edges.first == sorted.first && histogram.edges.last == sorted.last)
    #expect(histogram.edges == histogram.edges.sorted())
    for (index, found) in histogram.counts.enumerated() {
      let (from, to) = (histogram.edges[index], histogram.edges[index + 1])
      let isLast = index == histogram.counts.count - 1
      #expect(found == elements.count { $0 >= from && ($0 < to || (isLast && $0 == to)) })
    }
  }

  @Test(
    "put NaN and infinities aside, of either sign, in small and large tensors",
    arguments: [DType.float32, .float64, .float16, .bfloat16], [40, 20_000])
  func notFinite(dtype: DType, count: Int) {
    var elements = Self.spread(count).map { $0 / 1000 }
    let strange = [Double.nan, -.nan, .infinity, -.infinity, -.infinity, 0, -0.0]
    for (index, value) in strange.enumerated() { elements[index * 5] = value }
    let statistics = TensorStatistics(
      of: Tensor(elements, shape: [count]).converted(to: dtype))
    #expect(statistics.nanCount == 2 && statistics.infinityCount == 3)
    #expect(statistics.zeroCount >= 2)
    #expect(statistics.distribution!.histogram.counts.reduce(0, +) == count - 5)
    #expect(statistics.mean!.isFinite && statistics.standardDeviation!.isFinite)
    #expect(!statistics.distribution!.quantiles.contains { !$0.isFinite })
  }

  @Test("of no finite elements say nothing of sizes")
  func nothing() {
    for elements in [[], [Float.nan, .infinity]] {
      let statistics = TensorStatistics(of: Tensor(elements))
      #expect(statistics.count == elements.count && statistics.finiteCount == 0)
      #expect(statistics.minimum == nil && statistics.mean == nil)
      #expect(statistics.standardDeviation == nil && statistics.distribution == nil)
    }
    #expect(TensorStatistics(of: Tensor([Float]())).sparsity == nil)
  }

  @Test("of equal elements have one bin", arguments: [3, 10_000])
  func constant(count: Int) {
    let tensor = Tensor(repeating: 0.1, shape: [count], dtype: .float64)
    let statistics = TensorStatistics(of: tensor)
    #expect(statistics.standardDeviation == 0 && statistics.mean == 0.1)
    #expect(statistics.distribution!.histogram == Histogram(edges: [0.1, 0.1], counts: [count]))
    #expect(statistics.distribution!.quantile(0.5) == 0.1)
  }

  @Test("of the largest doubles are nil where double ends, and no infinity")
  func overflow() {
    let most = Double.greatestFiniteMagnitude
    let statistics = TensorStatistics(of: Tensor([most, most, -most]))
    #expect(statistics.maximum == most && statistics.minimum == -most)
    #expect(statistics.standardDeviation == nil)
    #expect(statistics.distribution!.quantiles.allSatisfy { !$0.isNaN })
  }

  @Test("keep the digits of small differences beside a large mean")
  func largeMean() {
    let elements = (0..<99_999).map { 1e9 + Double($0 % 3) }
    let statistics = TensorStatistics(of: Tensor(elements))
    #expect(Self.isClose(statistics.standardDeviation, (2.0 / 3).squareRoot(), relative: 1e-8))
  }

  @Test("without a distribution are the same, and cost one reading")
  func moments() {
    let tensor = Tensor(Self.spread(10_000)).converted(to: .float32)
    let (all, some) = (
      TensorStatistics(of: tensor), TensorStatistics(of: tensor, detail: .moments)
    )
    #expect(some.distribution == nil)
    #expect(some.mean == all.mean && some.standardDeviation == all.standardDeviation)
  }

  @Test("read from a file are those of the tensor in memory, by any number of threads")
  func files() throws {
    let folder = try TemporaryDirectory()
    // Two pieces and a bit.
    let elements = Self.spread(2_200_000).map { Float($0) }
    let path = folder.file("x.safetensors")
    let header =
      #"{"x":{"dtype":"F32","shape":[\#(elements.count)],"data_offsets":[0,\#(4 * elements.count)]}}"#
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file += Data(header.utf8)
    file += elements.withUnsafeBytes { Data($0) }
    try file.write(to: URL(fileURLWithPath: path))
    let reader = try CheckpointReader(opening: path)
    let entry = try #require(reader.manifest.entries.first)
    let one = try TensorStatistics(reading: entry, of: reader, threadCount: 1)
    let three = try TensorStatistics(reading: entry, of: reader, threadCount: 3)
    #expect(one == three)
    let memory = TensorStatistics(of: Tensor(elements))
    #expect(one.distribution == memory.distribution && one.zeroCount == memory.zeroCount)
    #expect(Self.isClose(one.mean, memory.mean!, relative: 1e-12))
    let all = try TensorStatistics.reading(reader.manifest.entries, of: reader)
    #expect(all.count == reader.manifest.entries.count && all.first == one)
  }
}
