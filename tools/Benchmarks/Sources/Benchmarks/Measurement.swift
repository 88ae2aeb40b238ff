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
/// machine meets them all alike. Each turn begins with another one: what one leaves to the next meets them all
/// alike, too.
func measure(_ variants: [Variant], repetitions: Int) -> [Measurement] {
  let clock = ContinuousClock()
  var times = [[Double]](repeating: [], count: variants.count)
  for repetition in 0...repetitions {
    for place in variants.indices {
      let index = (place + repetition) % variants.count
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
