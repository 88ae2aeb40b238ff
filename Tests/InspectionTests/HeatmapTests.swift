import Foundation
import KerasConfiguration
import Tensors
import Testing

@testable import Inspection

@Suite("A heatmap")
struct HeatmapTests {
  private func cells(_ map: Heatmap) throws -> (codes: [UInt8], json: JSONValue) {
    let json = map.json(title: "values", measure: "mean")
    let text = try #require(json["cells"]?.string)
    return (try decoded(text), json)
  }

  /// Base64 by arithmetic, as a second opinion.
  private func decoded(_ text: String) throws -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let digits = try text.filter { $0 != "=" }.map { try #require(alphabet.firstIndex(of: $0)) }
    let bits = digits.flatMap { digit in (0..<6).map { digit >> (5 - $0) & 1 } }
    return stride(from: 0, through: bits.count - 8, by: 8).map { start in
      bits[start..<start + 8].reduce(0) { $0 << 1 | UInt8($1) }
    }
  }

  @Test("of a small matrix has a cell for each element, lowest 0 and highest 254")
  func small() throws {
    var map = try #require(Heatmap(of: [2, 3], edge: 8))
    map.add(Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3]), at: 0)
    let (codes, json) = try cells(map)
    #expect(codes == [0, 51, 102, 152, 203, 254])
    #expect(json["low"]?.double == 0)
    #expect(json["high"]?.double == 5)
  }

  @Test("is the same however the tensor is cut into pieces")
  func pieces() throws {
    let values = (0..<7 * 5 * 3).map { Float(($0 * 37) % 11) }
    let whole = Tensor(values, shape: [7, 5, 3])
    var once = try #require(Heatmap(of: whole.shape, edge: 4))
    once.add(whole, at: 0)
    var often = try #require(Heatmap(of: whole.shape, edge: 4))
    for row in 0..<7 {
      often.add(
        Tensor(Array(values[row * 15..<row * 15 + 15]), shape: [1, 5, 3]), at: row * 15)
    }
    #expect(try cells(once).json == cells(often).json)
  }

  @Test("averages blocks, leaves out what is not finite, and says where nothing is finite")
  func averages() throws {
    var map = try #require(Heatmap(of: [2, 4], edge: 2))
    map.add(
      Tensor([1, 3, .nan, .infinity, 5, .nan, .nan, .nan] as [Float], shape: [2, 4]),
      at: 0)
    let (codes, json) = try cells(map)
    #expect(codes == [0, 255, 254, 255])
    #expect(json["low"]?.double == 2)
    #expect(json["high"]?.double == 5)
  }

  @Test("of a change pictures what was added")
  func change() throws {
    var map = try #require(Heatmap(of: [3], edge: 8))
    map.add(
      from: Tensor([1, 1, 1] as [Float], shape: [3]), to: Tensor([1, 2, 0] as [Float], shape: [3]),
      at: 0)
    let (codes, json) = try cells(map)
    #expect(codes == [127, 254, 0])
    #expect(json["rows"]?.int == 1)
  }

  @Test("separates the slices of a tensor of more than two axes")
  func separators() throws {
    let map = try #require(Heatmap(of: [3, 4, 2], edge: 64))
    #expect(map.json(title: "", measure: "")["separators"] == [4, 8])
    let flat = try #require(Heatmap(of: [12, 2], edge: 64))
    #expect(flat.json(title: "", measure: "")["separators"] == [])
  }

  @Test("needs more than one element", arguments: [Shape([]), [1], [0, 4], [4, 0]])
  func nothing(shape: Shape) { #expect(Heatmap(of: shape, edge: 8) == nil) }
}

@Suite("An HTML page")
struct HTMLPageTests {
  @Test("holds names as text only, whatever they are")
  func hostile() {
    let name = "</script><script>alert(1)</script><!--"
    let page = HTMLPage(
      kind: "show", title: name, facts: [name], report: ["variables": [], "notes": [.string(name)]])
    let text = page.text
    #expect(text.components(separatedBy: "</script>").count == 3)
    #expect(!text.contains("<!--"))
    #expect(text.contains("&lt;/script&gt;"))
  }

  @Test("loads nothing from anywhere")
  func alone() {
    let text = HTMLPage(kind: "show", title: "x", facts: [], report: [:]).text
      .replacing("http://www.w3.org/2000/svg", with: "")
    #expect(!text.contains("http://"))
    #expect(!text.contains("https://"))
    #expect(!text.contains("src="))
  }
}
