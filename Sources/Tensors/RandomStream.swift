#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Random numbers as a pure function of a key and a counter: Philox4x32-10.
///
/// There is no state to advance and so none to save: the same stream gives the same words at the same
/// counter on any thread or process. What depends on several coordinates (epoch, step, layer) derives
/// a ``substream(_:)`` per coordinate.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
public struct RandomStream: Sendable, Hashable {
  /// The 64-bit Philox key.
  public let key: UInt64

  public init(key: UInt64) { self.key = key }

  /// The stream of a user's seed.
  public init(seed: UInt64) { self.init(key: seed) }

  /// Four independent words at `counter`, a 128-bit number in two halves.
  public func words(at counter: UInt64, high: UInt64 = 0) -> SIMD4<UInt32> {
    var state = SIMD4<UInt32>(
      UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32),
      UInt32(truncatingIfNeeded: high), UInt32(truncatingIfNeeded: high >> 32))
    var key0 = UInt32(truncatingIfNeeded: key)
    var key1 = UInt32(truncatingIfNeeded: key >> 32)
    for round in 0..<10 {
      if round > 0 {
        key0 &+= 0x9E37_79B9
        key1 &+= 0xBB67_AE85
      }
      let product0 = UInt64(0xD251_1F53) * UInt64(state[0])
      let product1 = UInt64(0xCD9E_8D57) * UInt64(state[2])
      state = SIMD4(
        UInt32(truncatingIfNeeded: product1 >> 32) ^ state[1] ^ key0,
        UInt32(truncatingIfNeeded: product1),
        UInt32(truncatingIfNeeded: product0 >> 32) ^ state[3] ^ key1,
        UInt32(truncatingIfNeeded: product0))
    }
    return state
  }

  /// A stream of its own for `label`, independent of this one's words.
  public func substream(_ label: UInt64) -> RandomStream {
    // Words are drawn with a high half that no element counter reaches.
    let words = words(at: label, high: .max)
    return RandomStream(key: UInt64(words[0]) | UInt64(words[1]) << 32)
  }

  /// A stream of its own for a purpose or layer, by name (FNV-1a of its UTF-8 bytes).
  public func substream(named name: String) -> RandomStream {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return substream(hash)
  }
}

// MARK: - Distributions

extension RandomStream {
  /// Uniform in [0, 1), a multiple of 2^-24.
  public func uniform(at counter: UInt64) -> Float {
    Float(words(at: counter)[0] >> 8) * 0x1p-24
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  public func uniformDouble(at counter: UInt64, high: UInt64 = 0) -> Double {
    let words = words(at: counter, high: high)
    return Self.unit(words[0], words[1])
  }

  /// Standard normal, by Box and Muller's transform of one block of words.
  public func normal(at counter: UInt64, high: UInt64 = 0) -> Double {
    let words = words(at: counter, high: high)
    let radius = (-2 * log(1 - Self.unit(words[0], words[1]))).squareRoot()
    return radius * cos(2 * Double.pi * Self.unit(words[2], words[3]))
  }

  /// Standard normal limited to [-2, 2] by drawing again, as Keras's truncated normal is.
  public func truncatedNormal(at counter: UInt64) -> Double {
    var attempt: UInt64 = 0
    while true {
      let value = normal(at: counter, high: attempt)
      if value.magnitude <= 2 { return value }
      attempt += 1
    }
  }

  /// A uniformly random order of 0..<count (Fisher and Yates).
  public func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    guard count > 1 else { return order }
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, uniformInteger(below: UInt64(last + 1), at: UInt64(last)))
    }
    return order
  }

  /// Uniform in 0..<bound, without bias: a product that falls into the incomplete last interval is
  /// drawn again (Lemire, "Fast random integer generation in an interval", 2019).
  private func uniformInteger(below bound: UInt64, at counter: UInt64) -> Int {
    var attempt: UInt64 = 0
    while true {
      let words = words(at: counter, high: attempt)
      let word = UInt64(words[0]) | UInt64(words[1]) << 32
      let (high, low) = word.multipliedFullWidth(by: bound)
      if low >= (0 &- bound) % bound { return Int(high) }
      attempt += 1
    }
  }

  private static func unit(_ low: UInt32, _ high: UInt32) -> Double {
    Double((UInt64(low) | UInt64(high) << 32) >> 11) * 0x1p-53
  }
}
