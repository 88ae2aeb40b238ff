import Tensors
import Testing

@Suite("Initializer")
struct InitializerTests {
  private let stream = RandomStream(seed: 11)

  private func values(_ initializer: Initializer, _ shape: Shape) -> [Double] {
    initializer.makeTensor(shape: shape, dtype: .float64, stream: stream)
      .elements(of: Double.self)
  }

  @Test("constants are constant, the identity is one on its diagonal")
  func constants() {
    #expect(values(.zeros, [2]) == [0, 0])
    #expect(values(.ones, [2]) == [1, 1])
    #expect(values(.constant(0.25), [2]) == [0.25, 0.25])
    #expect(values(.identity(gain: 3), [2, 3]) == [3, 0, 0, 0, 3, 0])
  }

  @Test("an element depends on its index only, not on the shape around it")
  func prefix() {
    let few = values(.randomNormal(), [10])
    let many = values(.randomNormal(), [100])
    #expect(few == Array(many.prefix(10)))
  }

  @Test("uniform values fill their range")
  func uniform() throws {
    let drawn = values(.randomUniform(minimum: -1, maximum: 3), [10_000])
    #expect(drawn.allSatisfy { (-1..<3).contains($0) })
    #expect(try #require(drawn.min()) < -0.99)
    #expect(try #require(drawn.max()) > 2.99)
  }

  static let scaled: [(Initializer, Double)] = [
    (.glorotUniform, 0.008), (.glorotNormal, 0.008), (.heUniform, 0.01), (.heNormal, 0.01),
    (.lecunUniform, 0.005), (.lecunNormal, 0.005),
    (.varianceScaling(scale: 3, mode: .output, distribution: .untruncatedNormal), 0.06),
  ]

  @Test("variance scaling has the variance scale / fan", arguments: scaled)
  func variance(_ initializer: Initializer, _ expected: Double) {
    let (mean, variance) = moments(values(initializer, [200, 50]))
    // 10,000 draws: the variance has a standard error of at most 1.4 %.
    #expect(abs(variance / expected - 1) < 0.06)
    #expect(abs(mean) < 0.04 * expected.squareRoot())
  }

  @Test("uniform scaling stays within the square root of three variances")
  func limits() {
    let limit = (6.0 / (200 + 50)).squareRoot()
    #expect(values(.glorotUniform, [200, 50]).allSatisfy { $0.magnitude <= limit })
  }

  @Test("a convolution's fans count its receptive field")
  func convolution() {
    // Kernel (3, 3, 8, 16): fan in 72.
    let (_, variance) = moments(values(.heUniform, [3, 3, 8, 16]))
    #expect(abs(variance / (2.0 / 72) - 1) < 0.15)
  }

  @Test("an identity that is not a matrix stops the program")
  func trap() async {
    await #expect(processExitsWith: .failure) {
      _ = Initializer.identity().makeTensor(shape: [3], stream: RandomStream(seed: 0))
    }
  }
}
