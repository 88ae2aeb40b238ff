import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Archives without a directory") struct SalvagedArchiveTests {
  /// `a` stored, `b` deflated, by the system's own zip-writing program; `flags` as Python names them.
  private func archive(_ path: String, isStreamed: Bool = false) throws {
    let script = """
      import sys, zipfile
      class Pipe:
        def __init__(self, path): self.file = open(path, "wb")
        def write(self, data): return self.file.write(data)
        def flush(self): self.file.flush()
      target = Pipe(sys.argv[1]) if sys.argv[2] == "1" else sys.argv[1]
      with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a", b"stored" * 1000)
        archive.writestr("b", b"deflated" * 1000, zipfile.ZIP_DEFLATED)
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, path, isStreamed ? "1" : "0"]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  private func change(_ path: String, _ change: (inout Data) throws -> Void) throws {
    var data = try Data(contentsOf: URL(filePath: path))
    try change(&data)
    try data.write(to: URL(filePath: path))
  }

  private static let stored = Array(String(repeating: "stored", count: 1000).utf8)
  private static let deflated = Array(String(repeating: "deflated", count: 1000).utf8)

  @Test("are read by their members' own headers, and each member is proven by its checksum")
  func lostDirectory() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path)
    try change(path) { $0.removeLast(60) }
    #expect(throws: CheckpointError.self) { _ = try ZipArchive(reading: path) }
    let salvaged = try SalvagedArchive(path)
    #expect(salvaged.members.map(\.name) == ["a", "b"])
    #expect(salvaged.notes.count == 1)
    #expect(try salvaged.document("a") == Self.stored)
    #expect(try salvaged.document("b") == Self.deflated)
    #expect(try salvaged.matchesChecksum(#require(salvaged["a"])) == true)
  }

  @Test("a member with another byte does not match its checksum")
  func changedMember() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path)
    try change(path) {
      $0[1000] ^= 1
      $0.removeLast(60)
    }
    let salvaged = try SalvagedArchive(path)
    #expect(try salvaged.document("a") == nil)
    #expect(try salvaged.document("b") == Self.deflated)
    #expect(try salvaged.matchesChecksum(#require(salvaged["a"])) == false)
  }

  @Test("a member that is cut off is not whole, those before it are")
  func cutMember() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path)
    try change(path) { $0 = $0.prefix(6070) }
    let salvaged = try SalvagedArchive(path)
    #expect(salvaged.members.map(\.isWhole) == [true, false])
    #expect(try salvaged.document("a") == Self.stored)
    #expect(try salvaged.document("b") == nil)
  }

  @Test("a member whose header is gone does not hide the next")
  func lostHeader() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path)
    try change(path) { $0.resetBytes(in: 0..<20) }
    let salvaged = try SalvagedArchive(path)
    #expect(salvaged.members.map(\.name) == ["b"])
    #expect(try salvaged.document("b") == Self.deflated)
  }

  @Test("members whose sizes stand behind their data are found, and proven by nothing")
  func streamed() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path, isStreamed: true)
    try change(path) { $0.removeLast(20) }
    let salvaged = try SalvagedArchive(path)
    #expect(salvaged.members.map(\.name) == ["a", "b"])
    #expect(try salvaged.matchesChecksum(#require(salvaged["a"])) == nil)
  }

  @Test("deflated data are inflated up to their damage")
  func partialInflation() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.zip")
    try archive(path)
    let member = try #require(try ZipArchive(reading: path)["b"])
    let data = try Data(contentsOf: URL(filePath: path))
    let deflated = Array(data[member.data])
    let whole = PartialInflation.inflate(deflated, atMost: 1 << 20)
    #expect(whole.isWhole && whole.content == Self.deflated)
    let part = PartialInflation.inflate(Array(deflated.dropLast(4)), atMost: 1 << 20)
    #expect(!part.isWhole)
    #expect(Self.deflated.starts(with: part.content))
  }
}
