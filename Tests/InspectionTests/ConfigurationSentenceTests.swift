import Testing

@testable import Checkpoints
@testable import Inspection

@Suite("Differences of configuration in words")
struct ConfigurationSentenceTests {
  @Test(
    "say what became of a setting",
    arguments: [
      ("learning_rate", "0.1", "0.05", "learning rate halved"),
      ("learning_rate", "0.1", "0.2", "learning rate doubled"),
      ("learning_rate", "0.1", "0.01", "learning rate lowered to 1/10"),
      ("learning_rate", "0.1", "0.7", "learning rate raised 7-fold"),
      ("learning_rate", "0.1", "0.12", "learning rate raised"),
      ("clipnorm", "null", "1.0", "clipping by norm added"),
      ("clipnorm", "1.0", nil, "clipping by norm removed"),
      ("use_ema", "false", "true", "moving averages added"),
      ("epsilon", "1e-07", "0.0", "epsilon changed"),
    ] as [(String, String?, String?, String)])
  func meaning(key: String, before: String?, after: String?, expected: String) {
    let difference = CheckpointDiff.ConfigurationDifference(
      path: "optimizer.\(key)", before: before, after: after)
    #expect(difference.meaning == expected)
  }

  @Test("other settings are told by their path")
  func other() {
    let difference = CheckpointDiff.ConfigurationDifference(
      path: "model.layers[2].config.units", before: "10", after: "12")
    #expect(difference.meaning == nil)
    #expect(difference.sentence == "model.layers[2].config.units: 10 -> 12")
  }
}
