public import Tensors

/// What a file shows of a layer whose class is somebody's own: no configuration tells its variables.
public struct CustomLayer: Sendable, Hashable {
  /// In the order of the layer's group `vars`: those created to be trained first.
  public var variables: [VariableSchema]
  /// Whether it is known which of them an optimizer trains; otherwise the flags mean nothing.
  public var isTrainingKnown: Bool

  public init(_ variables: [VariableSchema], isTrainingKnown: Bool) {
    self.variables = variables
    self.isTrainingKnown = isTrainingKnown
  }
}

extension VariableSchema {
  /// A variable of a class of somebody's own, which its index names in every layout alike.
  ///
  /// - Parameter storedName: what a whole-model file calls it; nil if it was read from a layout that only
  ///   numbers variables, and then `variable_0` and so on, since Keras goes by order alone.
  public init(numbered index: Int, isTrainable: Bool, storedName: String? = nil) {
    self.init("#\(index)", isTrainable: isTrainable)
    self.storedName = storedName ?? "variable_\(index)"
  }
}

extension ModelConfiguration {
  /// The same model, with the variables that a file shows of its layers of unknown classes: they then
  /// count among ``variables(in:)``.
  public func knowing(_ customLayers: [LayerPath: CustomLayer]) -> ModelConfiguration {
    var model = self
    model.customLayers = customLayers
    model.memo = ModelMemo()
    return model
  }
}
