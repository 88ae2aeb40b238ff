/// The names of the layers that lead to a variable's owner, outermost first: `["encoder", "dense"]`.
/// Empty for variables that belong to the model itself.
public struct LayerPath: Sendable, Hashable {
  public let names: [String]

  public init(_ names: [String]) { self.names = names }

  /// The path of a layer inside this one.
  public func appending(_ name: String) -> LayerPath { LayerPath(names + [name]) }
}

extension LayerPath: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: String...) { self.init(elements) }
}

extension LayerPath: CustomStringConvertible {
  /// The names joined by `/`; a `/` or `\` inside a name is escaped by `\`, so that two paths never
  /// read alike.
  public var description: String {
    names.map(Self.escaped).joined(separator: "/")
  }

  /// One name as it stands in a path.
  public static func escaped(_ name: String) -> String {
    let (slash, backslash) = (UInt8(ascii: "/"), UInt8(ascii: "\\"))
    guard name.utf8.contains(where: { $0 == slash || $0 == backslash }) else { return name }
    var escaped = ""
    for character in name {
      if character == "/" || character == "\\" { escaped.append("\\") }
      escaped.append(character)
    }
    return escaped
  }
}

/// What a variable is, whatever it is called: its layer, and its place in the order in which that
/// layer creates its variables.
public struct VariableID: Sendable, Hashable {
  public let layer: LayerPath
  public let index: Int

  public init(layer: LayerPath, index: Int) {
    self.layer = layer
    self.index = index
  }
}

/// A named, saved tensor of a model.
public struct Variable: Sendable {
  public let id: VariableID
  /// The canonical name: the layer's path, then the variable's own name (`encoder/dense/kernel`).
  /// A label made from ``id``; nothing is looked up by it.
  public let name: String
  public var value: Tensor

  public init(id: VariableID, name: String, value: Tensor) {
    self.id = id
    self.name = name
    self.value = value
  }
}
