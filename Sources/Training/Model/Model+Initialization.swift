internal import KerasConfiguration
public import Tensors

extension Model {
  /// New variables, in model order, by their initializers. Each is a function of the seed, its
  /// canonical name and the seed of its initializer, if that has one.
  public func initialVariables(seed: UInt64) -> [Variable] {
    let stream = RandomStream(seed: seed).substream(named: "initializer")
    return variables.map { variable in
      var own = stream.substream(named: variable.name)
      if let seed = variable.initializer.seed {
        own = own.substream(UInt64(bitPattern: Int64(seed)))
      }
      let value = variable.initializer.initializer.makeTensor(
        shape: variable.shape, dtype: variable.dtype, stream: own)
      return Variable(id: variable.id, name: variable.name, value: value)
    }
  }
}
