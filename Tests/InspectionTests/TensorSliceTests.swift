import Tensors
import Testing

@testable import Inspection

@Suite("Slices")
struct TensorSliceTests {
  /// The places that a slice of a vector selects.
  private func places(_ text: String, of extent: Int) throws -> [Int] {
    let slice = try #require(TensorSlice(text))
    let places = try slice.places(in: [extent])[0]
    return (0..<places.count).map { places($0) }
  }

  @Test(
    "select what Python's slices do",
    arguments: [
      (":", [0, 1, 2, 3, 4]), ("1:3", [1, 2]), ("-2:", [3, 4]), (":-3", [0, 1]),
      ("::2", [0, 2, 4]), ("::-1", [4, 3, 2, 1, 0]), ("3:0:-2", [3, 1]), ("4:1", []),
      ("-100:100", [0, 1, 2, 3, 4]), ("100:", []), ("100::-2", [4, 2, 0]),
      (":-100:-1", [4, 3, 2, 1, 0]),
      ("1::9223372036854775807", [1]), ("::-9223372036854775808", [4]), ("-1", [4]), ("0", [0]),
      (" 1 : 4 : 2 ", [1, 3]), ("...", [0, 1, 2, 3, 4]), ("", [0, 1, 2, 3, 4]), ("2,", [2]),
    ])
  func python(text: String, expected: [Int]) throws {
    #expect(try places(text, of: 5) == expected)
  }

  @Test("of an empty axis select nothing", arguments: [":", "::-1", "1:", "-1:"])
  func empty(text: String) throws { #expect(try places(text, of: 0) == []) }

  @Test("give single places no axis, and unmentioned axes whole")
  func axes() throws {
    func shape(_ text: String) throws -> [Int] {
      try #require(TensorSlice(text)).places(in: [2, 3, 4]).filter(\.isKept).map(\.count)
    }
    #expect(try shape("0") == [3, 4])
    #expect(try shape("..., 0") == [2, 3])
    #expect(try shape("0, ..., 1:3") == [3, 2])
    #expect(try shape("0, 1, 2") == [])
    #expect(try shape(":, -1") == [2, 4])
    #expect(try shape("..., :, :, :") == [2, 3, 4])
  }

  @Test(
    "that are none are refused",
    arguments: ["a", "1:2:3:4", "::0", "..., ...", "1.5", "1:b", "9223372036854775808"])
  func refused(text: String) { #expect(TensorSlice(text) == nil) }

  @Test("that do not fit say why", arguments: ["5", "-6", "0, 0"])
  func misfits(text: String) throws {
    let slice = try #require(TensorSlice(text))
    #expect(throws: TensorSlice.Misfit.self) { try slice.places(in: [5]) }
  }

  @Test("stand behind names, which may have brackets of their own")
  func references() throws {
    let plain = try #require(TensorReference("dense/kernel"))
    #expect(plain.name == "dense/kernel" && plain.slice.items.isEmpty)
    let sliced = try #require(TensorReference("a[b]/kernel[0:4, :]"))
    #expect(sliced.name == "a[b]/kernel" && sliced.slice.items.count == 2)
    #expect(TensorReference("dense/kernel[x]") == nil)
  }
}

@Suite("Widths on terminals")
struct DisplayWidthTests {
  @Test(
    "count columns, not letters",
    arguments: [
      ("dense", 5), ("e\u{301}", 1), ("Größe", 5), ("权重", 4), ("가중치", 6), ("🪨", 2), ("❤️", 2),
      ("👩‍🔬", 2), ("ﾊﾝ", 2), ("▁▂█", 3), ("\u{301}", 0), ("", 0),
    ])
  func width(text: String, expected: Int) { #expect(text.columnCount == expected) }
}
