import Checkpoints
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Values that Keras spells as objects, compared") struct SerializedValueTests {
  /// The same value plain and in the words of some Keras.
  static let spellings: [(plain: JSONValue, spelled: JSONValue)] = [
    (6.0, ["class_name": "__numpy__", "config": ["value": 6.0, "dtype": "float32"]]),
    (6, ["class_name": "__numpy__", "config": ["value": 6.0, "dtype": "float64"]]),
    (
      [1.0, [2.0]],
      ["class_name": "__numpy__", "config": ["value": [1.0, [2.0]], "dtype": "float32"]]
    ),
    ([0.5], ["class_name": "__tensor__", "config": ["value": [0.5], "dtype": "float32"]]),
    ([2, 3], ["class_name": "__tuple__", "items": [2, 3]]),
    (
      [[2], 3],
      ["class_name": "__tuple__", "items": [["class_name": "__tuple__", "items": [2]], 3]]
    ),
    ("abc", ["class_name": "__bytes__", "value": "abc"]),
    ("abc", ["class_name": "__bytes__", "config": ["value": "abc"]]),
  ]

  private func file(
    _ value: JSONValue, _ profileName: String, in folder: borrowing TemporaryDirectory
  ) throws -> CheckpointReader {
    let model = try ModelConfiguration(
      sequential: [
        [
          "class_name": "InputLayer",
          "config": ["batch_input_shape": [.null, 2], "name": "x"],
        ], ["class_name": "ReLU", "config": ["name": "r", "max_value": value]],
      ], dialect: .keras2)
    let profile = try #require(Profile(name: profileName))
    let path = folder.file("\(profileName)\(profile.layout.fileSuffix)")
    try Checkpoint(model: model, variables: []).save(to: path, profile: profile, replacing: true)
    return try CheckpointReader(opening: path)
  }

  @Test("are the same values, whichever way around", arguments: spellings)
  func same(plain: JSONValue, spelled: JSONValue) throws {
    let folder = try TemporaryDirectory()
    let first = try file(plain, "keras2-h5", in: folder)
    let second = try file(spelled, "keras2-archive", in: folder)
    #expect(try CheckpointDiff(first, second).configuration == [])
    #expect(try CheckpointDiff(second, first).configuration == [])
  }

  @Test("differ where what they hold does, told without the words around it")
  func different() throws {
    let folder = try TemporaryDirectory()
    let first = try file(6.0, "keras2-h5", in: folder)
    let second = try file(
      ["class_name": "__numpy__", "config": ["value": 5.0, "dtype": "float32"]], "keras2-archive",
      in: folder)
    let differences = try CheckpointDiff(first, second).configuration
    #expect(differences.map(\.path) == ["model.config.layers[1].config.max_value"])
    #expect(differences.first?.before == "6.0" && differences.first?.after == "5.0")
  }
}
