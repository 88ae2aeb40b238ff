internal import CKernels
internal import KerasConfiguration
internal import Tensors

/// A loop of its own for steps with more stages than the rule, which saves the loads and stores between
/// them. The bits are those of the stages one after the other.
extension Adagrad {
  func canUpdate(
    _ dtype: DType, _ transform: GradientTransform, _ scalars: StepScalars
  ) -> Bool {
    dtype == .float32 && transform.lossScale == 1 && scalars.arithmetic != .kerasLegacy
  }

  func update(
    _ elements: ElementUpdate, _ transform: GradientTransform, _ decay: DecayUpdate?,
    _ average: AverageUpdate?, _ averagePlane: Plane?
  ) {
    var stages = ck_adagrad_stages()
    stages.rate = elements.scalars.learningRate
    stages.epsilon = Float(epsilon)
    stages.limit = Float(transform.limit ?? .infinity)
    stages.multiplier = 1
    switch transform.scale {
    case .none: break
    case .factor(let factor): stages.multiplier = Float(factor)
    case .ratio(let multiplier, let divisor):
      stages.multiplier = Float(multiplier)
      stages.divisor = Float(divisor)
      stages.divides = 1
    }
    if let decay {
      stages.decay = decay.decay
      stages.decays = 1
    }
    if let average {
      (stages.keep, stages.take) = average.weights(as: Float.self)
      stages.overwrites = average.overwrites ? 1 : 0
    }
    let accumulator = elements.slot(0)
    ck_adagrad_stages_f32(
      elements.count, &stages, elements.gradient.assumingMemoryBound(to: Float.self),
      elements.variable.oldElements(), elements.variable.newElements(),
      accumulator.oldElements(), accumulator.newElements(), averagePlane?.oldElements(),
      averagePlane?.newElements())
  }
}
