import ArgumentParser
import Checkpoints
import HDF5
import KerasConfiguration
import Optimizers
import Tensors
import Training

/// Applies gradients that another framework computed to a checkpoint, with Cairn's optimizer: so that
/// interchange tests can compare the optimizers alone, bit for bit.
///
/// The gradients are datasets `/<step>/<variable>`, steps numbered from 0, variables by canonical name;
/// one that is missing was absent.
@main
struct ApplyGradients: ParsableCommand {
  @Argument var checkpoint: String
  @Option var gradients: String
  @Option var output: String

  func run() throws {
    let reader = try CheckpointReader(opening: checkpoint)
    var loaded = try reader.load()
    guard let configuration = loaded.model, let state = loaded.optimizer else {
      throw ValidationError("\(checkpoint) must hold an architecture and an optimizer")
    }
    let model = try Model(configuration: configuration)
    var trained = model.trainableVariables.map { loaded.variables[$0] }
    var optimizer = try Optimizer(restoring: state, training: trained)
    let file = try HDF5File.open(gradients)
    let root = try file.root()
    for step in try root.memberNames() {
      var stepGradients: [Gradient] = []
      for variable in trained {
        stepGradients.append(try Self.gradient(of: variable, from: root.openGroup(step)))
      }
      try optimizer.applyGradients(stepGradients, to: &trained)
    }
    for (index, variable) in zip(model.trainableVariables, trained) {
      loaded.variables[index] = variable
    }
    loaded.optimizer = try optimizer.checkpointState()
    let isWeights = output.hasSuffix(Layout.weights.fileSuffix)
    let profile = Profile(
      dialect: isWeights ? .keras3 : .keras2, layout: isWeights ? .weights : .wholeModel)
    try loaded.save(to: output, profile: profile, replacing: true)
  }

  private static func gradient(
    of variable: Variable, from step: borrowing HDF5Group
  ) throws -> Gradient {
    guard try step.exists(variable.name) else { return .none }
    let dataset = try step.openDataset(variable.name)
    return .dense(
      try Tensor(shape: Shape(dataset.shape), dtype: variable.value.dtype) { bytes in
        try dataset.read(into: bytes)
      })
  }
}
