internal import KerasConfiguration
internal import Tensors

/// `gamma (x - mean) / sqrt(variance + epsilon) + beta` over the last axis.
///
/// In training, mean and biased variance are those of the batch, and the moving ones follow:
/// `moving = moving momentum + batch (1 - momentum)`. Otherwise, and in a frozen layer, the moving ones
/// are used. (Keras 3's formula; Keras 2 computes `moving - (moving - batch)(1 - momentum)`, which
/// rounds otherwise.)
///
/// The moving variance follows the biased variance, except in Keras 2 on inputs with four axes, where
/// its fused kernel multiplies it by n / (n - 1): measured with 2.12 and 3.15.
struct BatchNormalizationOperation: LayerOperation {
  let variables: [LayerVariable]
  private let options: LayerConfiguration.BatchNormalization
  private let usesSampleVariance: Bool

  init(
    _ options: LayerConfiguration.BatchNormalization, features: Int, usesSampleVariance: Bool
  ) {
    self.options = options
    self.usesSampleVariance = usesSampleVariance
    func variable(
      _ name: String, _ initializer: InitializerConfiguration, isTrainable: Bool = true
    ) -> LayerVariable {
      LayerVariable(
        name: name, shape: [features], initializer: initializer, isTrainable: isTrainable)
    }
    variables =
      (options.isScaled ? [variable("gamma", options.gammaInitializer)] : [])
      + (options.isCentered ? [variable("beta", options.betaInitializer)] : [])
      + [
        variable("moving_mean", options.movingMeanInitializer, isTrainable: false),
        variable("moving_variance", options.movingVarianceInitializer, isTrainable: false),
      ]
  }

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let x = tape.float32(input)
    let meanIndex = variables.count - 2
    let moving = GradientTape.Moments(
      mean: tape[variables[meanIndex]], variance: tape[variables[meanIndex + 1]])
    let epsilon = Float(options.epsilon)
    var output: LayerOutput
    switch pass {
    case .inference:
      output = LayerOutput(value: tape.normalize(x, by: moving, epsilon: epsilon))
    case .training:
      let rows = tape[x].matrixShape.rows
      let (normalized, batch) = tape.normalizeByBatch(x, epsilon: epsilon)
      let correction = usesSampleVariance ? Float(rows) / Float(max(rows - 1, 1)) : 1
      output = LayerOutput(
        value: normalized,
        updates: [
          (meanIndex, follow(moving.mean, batch.mean)),
          (meanIndex + 1, follow(moving.variance, batch.variance, times: correction)),
        ])
    }
    var next = 0
    if options.isScaled {
      output.value = tape.multiplyRows(output.value, by: variables[next])
      next += 1
    }
    if options.isCentered { output.value = tape.addBias(output.value, variables[next]) }
    return output
  }

  /// `moving momentum + batch factor (1 - momentum)`, each constant rounded to float32.
  private func follow(_ moving: Tensor, _ batch: Tensor, times factor: Float = 1) -> Tensor {
    let momentum = Float(options.momentum)
    let rest = Float(1 - options.momentum)
    return Tensor(float32: moving.shape) { result in
      moving.withFloats { moving in
        batch.withFloats { batch in
          for c in result.indices {
            result[c] = moving[c] * momentum + batch[c] * factor * rest
          }
        }
      }
    }
  }
}
