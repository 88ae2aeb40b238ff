public import KerasConfiguration
public import Tensors

/// A layer of a model: its place in the hierarchy, its options, and the variables that it owns. It holds
/// no numbers.
public struct Layer: Sendable {
  /// The names of the layers that lead to this one, itself last.
  public let path: LayerPath
  public let configuration: LayerConfiguration
  /// False when the layer or the model around it is frozen. Such a layer's variables get no gradients,
  /// and a frozen batch normalization also uses its moving statistics, as in Keras.
  public let isTrainable: Bool
  /// The places of its variables among the model's.
  public let variables: Range<Int>
  let operation: any LayerOperation
}

/// A variable that a model needs: what it is, apart from its values.
public struct VariableSpecification: Sendable {
  public let id: VariableID
  /// The canonical name, such as `dense/kernel`.
  public let name: String
  public let shape: Shape
  public let initializer: InitializerConfiguration
  /// Whether gradients train it: true of a trainable layer's variables but its moving statistics.
  public let isTrainable: Bool

  /// Always float32: the only dtype that layers compute in.
  public var dtype: DType { .float32 }
}
