/// One way of doing some work, to be timed against others.
struct Variant {
  let name: String
  /// The name of the variant of which this one's speed is a share.
  var ceiling: String?
  /// Done before each run, outside of its time.
  var prepare: () -> Void = {}
  let run: () -> Void
}

/// Times in nanoseconds, one per repetition.
struct Measurement {
  let name: String
  let ceiling: String?
  let times: [Double]

  var median: Double { times.sorted()[times.count / 2] }
  var minimum: Double { times.min() ?? .nan }
}

/// Runs the variants in turn, `repetitions` times each after one warm-up: so that a disturbance of the
/// machine meets them all alike. Each turn has an order of its own, drawn by chance (the same in every run): in
/// a fixed one each variant would find what always the same other one left behind.
func measure(_ variants: [Variant], repetitions: Int) -> [Measurement] {
  let clock = ContinuousClock()
  var times = [[Double]](repeating: [], count: variants.count)
  var random = SplitMix()
  for repetition in 0...repetitions {
    for index in variants.indices.shuffled(using: &random) {
      let variant = variants[index]
      variant.prepare()
      let duration = clock.measure { variant.run() }
      guard repetition > 0 else { continue }
      let (seconds, attoseconds) = duration.components
      times[index].append(Double(seconds) * 1e9 + Double(attoseconds) * 1e-9)
    }
  }
  return zip(variants, times).map { Measurement(name: $0.name, ceiling: $0.ceiling, times: $1) }
}

/// Numbers that are the same in every run (SplitMix64: Steele, Lea and Flood, 2014).
private struct SplitMix: RandomNumberGenerator {
  private var state: UInt64 = 1

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
