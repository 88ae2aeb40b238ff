import Checkpoints
import Testing

@Suite("Glob") struct GlobTests {
  @Test(
    "a pattern matches whole names",
    arguments: [
      ("dense/kernel", "dense/kernel", true),
      ("dense", "dense/kernel", false),
      ("*", "dense/kernel", true),
      ("*", "", true),
      ("encoder/*", "encoder/a/kernel", true),
      ("encoder/*", "encoder", false),
      ("*kernel", "dense_1/kernel", true),
      ("*a*b*", "xaxxbx", true),
      ("*a*b*", "xbxxax", false),
      ("dense_?/bias", "dense_1/bias", true),
      ("dense_?/bias", "dense_10/bias", false),
      ("dense_[0-3]/*", "dense_2/bias", true),
      ("dense_[!0-3]/*", "dense_2/bias", false),
      ("layer\\*", "layer*", true),
      ("layer\\*", "layers", false),
      ("[]]", "]", true),
    ])
  func matching(pattern: String, name: String, expected: Bool) throws {
    guard let glob = Glob(pattern) else {
      #expect(!expected)
      return
    }
    #expect(glob.matches(name) == expected)
  }

  @Test("a malformed pattern is refused", arguments: ["[", "[a", "a\\", "[z-a]", "[]"])
  func malformed(pattern: String) { #expect(Glob(pattern) == nil) }

  @Test("a pattern of many stars takes no exponential time")
  func manyStars() throws {
    let glob = try #require(Glob(String(repeating: "*a", count: 30) + "b"))
    #expect(!glob.matches(String(repeating: "a", count: 2000)))
  }
}
