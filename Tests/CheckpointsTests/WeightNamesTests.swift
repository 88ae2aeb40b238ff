import KerasConfiguration
import Tensors
import Testing

@testable import Checkpoints

@Suite("Variables behind the names of a whole-model file") struct WeightNamesTests {
  private func implied(_ className: String, _ paths: [LayerPath]) -> [ModelVariables.Implied] {
    paths.map {
      ModelVariables.Implied(
        id: VariableID(layer: $0, index: 0), schema: VariableSchema("kernel"), isTrainable: true,
        isListedFirst: true, className: className)
    }
  }

  private func layers(_ names: [String], _ implied: [ModelVariables.Implied]) -> [LayerPath]? {
    WholeModelLayout.labels(of: names, impliedBy: implied)?.map(\.id.layer)
  }

  @Test("the frozen half of a Bidirectional is known by its scope, not by its position")
  func bidirectional() {
    let forward: LayerPath = ["both", "forward_layer", "cell"]
    let backward: LayerPath = ["both", "backward_layer", "cell"]
    let implied = implied("Bidirectional", [forward, backward])
    let names = ["both/forward_l/lstm_cell/kernel:0", "both/backward_l/lstm_cell/kernel:0"]
    #expect(layers(names, implied) == [forward, backward])
    #expect(layers(names.reversed(), implied) == [backward, forward])
    // A backward layer of the user's own has a name of its own.
    #expect(
      layers(["both/forward_l/gru_cell/kernel", "both/mine/gru_cell/kernel"], implied)
        == [forward, backward])
  }

  @Test("a Bidirectional that is itself called forward_… is not taken for its half")
  func misleadingName() {
    let forward: LayerPath = ["forward_pass", "forward_layer", "cell"]
    let backward: LayerPath = ["forward_pass", "backward_layer", "cell"]
    #expect(
      layers(
        ["forward_pass/forward_l/c/kernel", "forward_pass/backward_l/c/kernel"],
        implied("Bidirectional", [forward, backward])) == [forward, backward])
  }

  @Test("a frozen projection of an attention is known by its scope")
  func attention() {
    let query: LayerPath = ["look", "query"]
    let key: LayerPath = ["look", "key"]
    #expect(
      layers(
        ["look/key/kernel:0", "look/query/kernel:0"],
        implied("MultiHeadAttention", [query, key])) == [key, query])
  }

  @Test("names that the architecture does not have leave it out of the matter")
  func otherNames() {
    let implied = implied("Dense", [["dense"]])
    #expect(layers(["dense/mystery:0"], implied) == nil)
    #expect(layers(["dense/kernel:0", "dense/bias:0"], implied) == nil)
  }
}
