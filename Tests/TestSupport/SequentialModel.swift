public import KerasConfiguration

extension ModelConfiguration {
  /// A Sequential called `m` of these layers, each in the JSON of a configuration file.
  public init(
    sequential layers: [JSONValue], dialect: Dialect? = nil
  ) throws(ConfigurationError) {
    try self.init(
      json: ["class_name": "Sequential", "config": ["name": "m", "layers": .array(layers)]],
      dialect: dialect)
  }
}
