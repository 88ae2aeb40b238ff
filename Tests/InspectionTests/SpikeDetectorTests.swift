import Testing

@testable import Inspection

@Suite("Spikes")
struct SpikeDetectorTests {
  private func spikes(_ values: [Double?]) -> [Int] {
    var detector = SpikeDetector()
    return values.indices.filter { detector.isSpike(values[$0]) }
  }

  @Test("stand out above the values before them, and hide none that follow")
  func standOut() {
    #expect(spikes([2, 1.9, 1.8, 1.7, 6, 1.5, 1.4, 7, 1.3]) == [4, 7])
  }

  @Test("are neither falls, nor slow rises, nor among the first four")
  func noSpikes() {
    #expect(spikes([1, 9, 1, 9]).isEmpty)
    #expect(spikes([2, 1.9, 1.8, 1.7, 0.1, 1.6]).isEmpty)
    #expect(spikes((0..<30).map { 1 + 0.01 * Double($0) }).isEmpty)
    #expect(spikes([1, 1, 1, 1, 1.05, nil, .nan, .infinity]).isEmpty)
  }
}
