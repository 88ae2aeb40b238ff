/// Adagrad in float32 as eager Keras computes it, one element.
struct SimulatedAdagrad {
  var weight: Float
  var accumulator: Float
  var rate: Float
  var epsilon: Float = 1e-7

  /// One update with a gradient for each occurrence of the element: all squares are added first.
  mutating func update(_ gradients: [Float]) {
    for gradient in gradients { accumulator += gradient * gradient }
    for gradient in gradients {
      weight -= (rate * gradient) / (accumulator + epsilon).squareRoot()
    }
  }

  mutating func update(_ gradient: Float) { update([gradient]) }
}

/// Equal numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  /// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
