import KerasConfiguration
import Tensors

@testable import Optimizers

/// The optimizer as the formulas are written down: one element at a time, slow, no sharing, no blocks,
/// no threads. Every operation is done in double and rounded to the variable's dtype at once. (Double
/// holds a product, sum, quotient or root of numbers with 24 digits or fewer closely enough that rounding
/// twice is as rounding once; for float64 it rounds once anyway.)
struct ReferenceOptimizer {
  var configuration: OptimizerConfiguration
  /// The rate at a counter.
  var rate: (Int64) -> Float
  /// Positions of variables that do not decay.
  var excluded: Set<Int> = []
  var counter: Int64 = 0
  var variables: [Variable]

  struct Variable {
    let dtype: DType
    let shape: Shape
    var value: [Double]
    var accumulator: [Double]
    var average: [Double]
    var gradientSum: [Double]

    func round(_ value: Double) -> Double {
      switch dtype {
      case .float64: value
      case .float32: Double(Float(value))
      case .float16: Double(Float16(value))
      default: BFloat16(rounding: .floating(value)).number.double
      }
    }

    var width: Int { shape.rank == 0 || shape[0] == 0 ? 1 : value.count / shape[0] }
  }

  /// A gradient as numbers: of every element, or of some rows.
  enum Given {
    case dense([Double])
    case rows([Int], [Double])
    case absent

    init(_ gradient: Gradient) {
      func doubles(_ tensor: Tensor) -> [Double] {
        tensor.converted(to: .float64).elements(of: Double.self)
      }
      switch gradient {
      case .dense(let tensor): self = .dense(doubles(tensor))
      case .rows(let rows): self = .rows(rows.indices, doubles(rows.values))
      case .none: self = .absent
      }
    }

    var numbers: [Double]? {
      switch self {
      case .dense(let numbers), .rows(_, let numbers): numbers
      case .absent: nil
      }
    }

    func map(_ transform: (Double) -> Double) -> Given {
      switch self {
      case .dense(let numbers): .dense(numbers.map(transform))
      case .rows(let rows, let numbers): .rows(rows, numbers.map(transform))
      case .absent: .absent
      }
    }
  }

  init(_ configuration: OptimizerConfiguration, rate: @escaping (Int64) -> Float, _ start: [Tensor])
  {
    self.configuration = configuration
    self.rate = rate
    guard case .adagrad(let initial, _) = configuration.rule else {
      preconditionFailure("the reference knows Adagrad only")
    }
    let isKeras3 = configuration.arithmetic == .keras3
    variables = start.map { tensor in
      let value = tensor.converted(to: .float64).elements(of: Double.self)
      var variable = Variable(
        dtype: tensor.dtype, shape: tensor.shape, value: value, accumulator: [],
        average: isKeras3 ? value.map { _ in 0 } : value, gradientSum: value.map { _ in 0 })
      let first = variable.round(isKeras3 ? Double(Float(initial)) : initial)
      variable.accumulator = value.map { _ in first }
      return variable
    }
  }

  var isKeras3: Bool { configuration.arithmetic == .keras3 }
  var accumulationSteps: Int64 { Int64(max(1, configuration.gradientAccumulationSteps ?? 1)) }

  // MARK: A step

  mutating func step(_ gradients: [Gradient]) {
    var given = gradients.map { Given($0) }
    if let scale = configuration.lossScaleFactor {
      for index in given.indices {
        let variable = variables[index]
        given[index] = given[index].map { variable.round($0 / variable.round(scale)) }
      }
    }
    let rate = rate(counter)
    if accumulationSteps > 1 {
      accumulate(&given)
      if (counter + 1) % accumulationSteps == 0 {
        update(given, rate)
        for index in variables.indices {
          variables[index].gradientSum = variables[index].gradientSum.map { _ in 0 }
        }
      }
    } else {
      update(given, rate)
    }
    average(given)
    counter += 1
  }

  private mutating func accumulate(_ given: inout [Given]) {
    let isLast = (counter + 1) % accumulationSteps == 0
    for index in given.indices {
      guard let numbers = dense(given[index], variables[index]) else { continue }
      let variable = variables[index]
      let sum = zip(numbers, variable.gradientSum).map { variable.round($0 + $1) }
      if isLast {
        given[index] = .dense(sum.map { variable.round($0 / Double(accumulationSteps)) })
      } else {
        variables[index].gradientSum = sum
      }
    }
  }

  private func dense(_ given: Given, _ variable: Variable) -> [Double]? {
    switch given {
    case .absent: return nil
    case .dense(let numbers): return numbers
    case .rows(let rows, let numbers):
      var sum = variable.value.map { _ in 0.0 }
      for (position, row) in rows.enumerated() {
        for i in 0..<variable.width {
          let element = row * variable.width + i
          sum[element] = variable.round(sum[element] + numbers[position * variable.width + i])
        }
      }
      return sum
    }
  }

  private mutating func update(_ given: [Given], _ rate: Float) {
    let clipped = clip(given)
    for (index, gradient) in clipped.enumerated() {
      if gradient.numbers != nil { decay(index, rate) }
      switch gradient {
      case .absent: break
      case .dense(let numbers):
        for (i, g) in numbers.enumerated() {
          square(index, i, g)
          move(index, i, g, rate)
        }
      case .rows(let rows, let numbers): updateRows(index, rows, numbers, rate)
      }
    }
  }

  private mutating func decay(_ index: Int, _ rate: Float) {
    guard let decay = configuration.weightDecay, !excluded.contains(index) else { return }
    let variable = variables[index]
    let w = variable.round(Double(Float(decay)))
    let lr = variable.round(Double(rate))
    variables[index].value = variable.value.map {
      variable.round($0 - variable.round(variable.round($0 * w) * lr))
    }
  }

  private mutating func square(_ index: Int, _ i: Int, _ g: Double) {
    let variable = variables[index]
    variables[index].accumulator[i] = variable.round(
      variable.accumulator[i] + variable.round(g * g))
  }

  private mutating func move(_ index: Int, _ i: Int, _ g: Double, _ rate: Float) {
    guard case .adagrad(_, let epsilon) = configuration.rule else { return }
    let variable = variables[index]
    let sum = variable.round(variable.accumulator[i] + variable.round(epsilon))
    let root = variable.round(sum.squareRoot())
    let step = variable.round(variable.round(variable.round(Double(rate)) * g) / root)
    variables[index].value[i] = variable.round(variable.value[i] - step)
  }

  private mutating func updateRows(_ index: Int, _ rows: [Int], _ numbers: [Double], _ rate: Float)
  {
    let width = variables[index].width
    if isKeras3 {
      for (position, row) in rows.enumerated() {
        for i in 0..<width { square(index, row * width + i, numbers[position * width + i]) }
      }
      for (position, row) in rows.enumerated() {
        for i in 0..<width { move(index, row * width + i, numbers[position * width + i], rate) }
      }
      return
    }
    for row in Set(rows) {
      for i in 0..<width {
        var sum = 0.0
        for (position, candidate) in rows.enumerated() where candidate == row {
          sum = variables[index].round(sum + numbers[position * width + i])
        }
        square(index, row * width + i, sum)
        move(index, row * width + i, sum, rate)
      }
    }
  }

  // MARK: Clipping

  private func clip(_ given: [Given]) -> [Given] {
    func isOn(_ limit: Double?) -> Double? { limit.flatMap { $0 > 0 ? $0 : nil } }
    let clipping = configuration.clipping
    if let limit = isOn(clipping.norm) {
      return zip(given, variables).map { clip($0, $1, norm: limit) }
    }
    if let limit = isOn(clipping.globalNorm) { return clip(given, globalNorm: limit) }
    if let limit = isOn(clipping.value) {
      return zip(given, variables).map { gradient, variable in
        let c = variable.round(limit)
        return gradient.map { $0.isNaN ? $0 : max(min($0, c), -c) }
      }
    }
    return given
  }

  private func sumOfSquares(_ numbers: [Double], _ variable: Variable) -> Double {
    let squares = numbers.map { variable.round($0 * $0) }
    if squares.count <= 7 { return squares.reduce(0) { variable.round($0 + $1) } }
    return variable.round(squares.reduce(0, +))
  }

  private func clip(_ gradient: Given, _ variable: Variable, norm limit: Double) -> Given {
    guard let numbers = gradient.numbers else { return gradient }
    let s = sumOfSquares(numbers, variable)
    let n = s > 0 ? variable.round(s.squareRoot()) : s
    let c = variable.round(limit)
    let divisor = n.isNaN ? n : max(n, c)
    return gradient.map { variable.round(variable.round($0 * c) / divisor) }
  }

  private func clip(_ given: [Given], globalNorm limit: Double) -> [Given] {
    let one = variables[0]
    let sums = zip(given, variables).compactMap { gradient, variable in
      gradient.numbers.map { sumOfSquares($0, variable) }
    }
    let parts = isKeras3 ? sums : sums.map { one.round($0 / 2) }
    let total = parts.reduce(0) { one.round($0 + $1) }
    let n = one.round((isKeras3 ? total : one.round(total * 2)).squareRoot())
    let c = one.round(limit)
    let inverse = one.round(1 / n)
    let inverseLimit = one.round(isKeras3 ? 1 / limit : 1 / c)
    let least = inverse.isNaN ? inverse : min(inverse, inverseLimit)
    let factor = one.round(one.round(c * least) + one.round(n - n))
    return zip(given, variables).map { gradient, variable in
      var gradient = gradient
      if isKeras3, case .rows = gradient, let numbers = dense(gradient, variable) {
        gradient = .dense(numbers)
      }
      return gradient.map { variable.round($0 * factor) }
    }
  }

  // MARK: Averages

  private mutating func average(_ given: [Given]) {
    guard configuration.average.isEnabled else { return }
    let t = counter / accumulationSteps
    let frequency = Int64(configuration.average.overwriteFrequency ?? 0)
    for index in variables.indices where isKeras3 || given[index].numbers != nil {
      let variable = variables[index]
      let momentum = configuration.average.momentum
      let keep = isKeras3 && t == 0 ? 0 : variable.round(momentum)
      let take = isKeras3 ? variable.round(1 - keep) : variable.round(1 - momentum)
      variables[index].average = zip(variable.average, variable.value).map {
        variable.round(variable.round(keep * $0) + variable.round(take * $1))
      }
      if frequency > 0, (t + 1) % frequency == 0 {
        variables[index].value = variables[index].average
      }
    }
  }
}
