/// The variables that a layer creates, in the order in which it creates them, and the objects inside
/// it that own further ones.
///
/// What Keras's classes do (measured with 2.12 and 3.15), told from a layer's configuration alone.
public struct LayerSchema: Sendable, Hashable {
  /// The layer's own variables, as its `vars` group numbers them: those created trainable first.
  public var variables: [VariableSchema]
  /// Cells, wrapped layers and the like, in the order of the layer's flat list of variables.
  public var children: [Child]

  public init(_ variables: [VariableSchema] = [], children: [Child] = []) {
    self.variables = variables
    self.children = children
  }

  /// An object inside a layer.
  public struct Child: Sendable, Hashable {
    /// Its part of a `LayerPath`, the same in every dialect.
    public var name: String
    /// Its group below the layer's in a v3 weights file, such as `cell` or `_query_dense`.
    public var group: String
    /// Its own flag, false if it is frozen by itself; nil if it has none and goes by its owner's.
    public var isTrainable: Bool?
    /// Its variables and what is inside it.
    public var schema: LayerSchema

    public init(
      name: String, group: String? = nil, isTrainable: Bool? = nil, _ schema: LayerSchema
    ) {
      self.name = name
      self.group = group ?? name
      self.isTrainable = isTrainable
      self.schema = schema
    }
  }

  /// Variables of the layer and everything inside it.
  public var variableCount: Int {
    children.reduce(variables.count) { $0 + $1.schema.variableCount }
  }

  /// Trainable variables, then the others, by name.
  init(_ trainable: [String], nonTrainable: [String] = []) {
    self.init(
      trainable.map { VariableSchema($0) }
        + nonTrainable.map { VariableSchema($0, isTrainable: false) })
  }
}

/// One variable of a layer class.
public struct VariableSchema: Sendable, Hashable {
  /// The variable's own name: the last part of its canonical name.
  public var name: String
  /// Whether the layer creates it for an optimizer to train. A frozen layer changes nothing here.
  public var isTrainable: Bool
  /// What Keras 2 calls it, where that differs.
  public var keras2Name: String?
  /// What whole-model files call it, where its class does not tell.
  public var storedName: String?

  public init(_ name: String, isTrainable: Bool = true, keras2Name: String? = nil) {
    self.name = name
    self.isTrainable = isTrainable
    self.keras2Name = keras2Name
  }
}

extension LayerEntry {
  /// The layer's variables by its class and options; nil for a class unknown to Cairn, and for
  /// options that change the variables in a way that was not measured. Models and TimeDistributed have
  /// none of their own and answer nil: ``ModelConfiguration/places(in:)`` goes into them.
  public func schema(in dialect: Dialect) -> LayerSchema? {
    if isCustomClass { return nil }
    // Keras 3 lists the plain operations of a Functional model among its layers.
    if json["module"]?.string?.hasPrefix("keras.src.ops.") == true { return LayerSchema() }
    return LayerSchema(className: className, configuration: configuration, dialect: dialect)
  }

  /// Whether Cairn knows the class, though perhaps not what these options make of its variables.
  var hasKnownClass: Bool {
    json["module"]?.string?.hasPrefix("keras.src.ops.") == true
      || LayerSchema.classNames.contains(className)
  }
}
