import Checkpoints
import KerasConfiguration
import Tensors

extension Checkpoint {
  /// A chain of Dense layers with biases, named `dense`, `dense_1` and so on; every variable holds a
  /// pattern, so that no two rows are alike.
  init(dense units: [Int], inputs: Int, dialect: Dialect = .keras3) throws {
    var layers = [LayerConfiguration(name: "input", .input(.init(batchShape: [nil, inputs])))]
    for (index, count) in units.enumerated() {
      layers.append(
        LayerConfiguration(
          name: index == 0 ? "dense" : "dense_\(index)", .dense(.init(units: count))))
    }
    let model = try ModelConfiguration(sequential: "model", layers: layers, dialect: dialect)
    let extents = [inputs] + units
    let variables = try model.variables(in: dialect).enumerated().map { index, variable in
      let layer = index / 2
      let shape: Shape =
        index.isMultiple(of: 2) ? [extents[layer], extents[layer + 1]] : [extents[layer + 1]]
      let elements = (0..<shape.elementCount).map { Float(($0 * 2_654_435_761 + index) % 10_007) }
      return Variable(id: variable.id, name: variable.name, value: Tensor(elements, shape: shape))
    }
    self.init(model: model, variables: variables)
  }
}
