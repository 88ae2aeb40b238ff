import Checkpoints
import Testing

@Suite("What was probably meant") struct SuggestionTests {
  @Test(
    "is the name that differs by a slip of the hand",
    arguments: [
      ("sho", "show"), ("dif", "diff"), ("restroe", "restore"), ("Verify", "verify"),
      ("convrt", "convert"), ("kernel", "dense/kernel"), ("dense/kernal", "dense/kernel"),
    ])
  func near(word: String, name: String) {
    let names = ["show", "diff", "restore", "verify", "convert", "dense/kernel", "dense/bias"]
    #expect(Suggestion.nearest(to: word, among: names) == name)
  }

  @Test("is nothing where no name is near, or several are", arguments: ["fly", "x", "", "dense/"])
  func far(word: String) {
    #expect(Suggestion.nearest(to: word, among: ["show", "diff", "dense/a", "dense/b"]) == nil)
  }

  @Test("is never the word itself")
  func same() {
    #expect(Suggestion.nearest(to: "show", among: ["show"]) == nil)
  }
}
