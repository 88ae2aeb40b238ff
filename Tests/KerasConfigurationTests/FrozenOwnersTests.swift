import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Frozen owners in the words of another Keras") struct FrozenOwnersTests {
  /// A chain of a wrapper around a layer, frozen or not, and a layer behind it.
  private func model(_ dialect: Dialect, owner: Bool, inner: Bool) throws -> ModelConfiguration {
    try ModelConfiguration(
      sequential: [
        [
          "class_name": "TimeDistributed",
          "config": [
            "name": "o", "trainable": .bool(owner),
            "layer": [
              "class_name": "Dense",
              "config": ["name": "d", "trainable": .bool(inner), "units": 2],
            ],
          ],
        ],
        ["class_name": "Dense", "config": ["name": "e", "trainable": true, "units": 2]],
      ], dialect: dialect)
  }

  private func trained(_ model: ModelConfiguration) throws -> [String] {
    try model.variables(in: model.dialect).filter(\.isTrainable).map(\.name)
  }

  @Test(
    "a translation trains the same variables",
    arguments: [(Dialect.keras2, Dialect.keras3), (.tfKeras, .keras3), (.keras3, .keras2)],
    [(true, true), (true, false), (false, true), (false, false)])
  func sameTrained(dialects: (Dialect, Dialect), flags: (Bool, Bool)) throws {
    let original = try model(dialects.0, owner: flags.0, inner: flags.1)
    let (translated, losses) = original.translation(to: dialects.1, in: .attribute)
    #expect(losses.isEmpty)
    #expect(try trained(translated) == trained(original))
    let back = translated.translation(to: dialects.0, in: .attribute).configuration
    #expect(try trained(back) == trained(original))
  }

  @Test("inside one generation every flag stays")
  func sameGeneration() throws {
    for dialect in [Dialect.keras3, .tfKeras] {
      let layer = try model(dialect, owner: false, inner: true)
        .translation(to: dialect == .tfKeras ? .keras2 : dialect, in: .attribute)
        .configuration.layers[0].configuration
      #expect(layer["trainable"] == false)
      #expect(layer["layer"]?["config"]?["trainable"] == true)
    }
  }

  @Test("that Keras 3 cannot keep an attention frozen is listed")
  func frozenAttention() throws {
    let model = try ModelConfiguration(
      sequential: [
        [
          "class_name": "MultiHeadAttention",
          "config": ["name": "look", "trainable": false, "num_heads": 1, "key_dim": 2],
        ]
      ], dialect: .keras2)
    let losses = model.translation(to: .keras3, in: .attribute).losses
    #expect(losses.map(\.object) == ["layer `look`"])
    #expect(losses.map(\.key) == ["trainable"])
    #expect(model.translation(to: .tfKeras, in: .attribute).losses.isEmpty)
  }
}
