import Foundation
import KerasConfiguration
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Files that lose their names") struct OutgoingFileTests {
  #if os(Linux)
    /// The files of a folder that have no name any more, and that this process holds.
    private func namelessFiles(of folder: String) throws -> [String] {
      let own = "/proc/self/fd"
      return try FileManager.default.contentsOfDirectory(atPath: own).compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(own)/\($0)")
      }.filter { $0.hasPrefix("\(folder)/") && $0.hasSuffix(" (deleted)") }
    }

    @Test("a file is held until its holder is gone, and freed then")
    func held() throws {
      let folder = try TemporaryDirectory()
      let (old, new) = (folder.file("old"), folder.file("new"))
      for path in [old, new] {
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
      }
      let outgoing = OutgoingFile(old)
      let isHeld = outgoing != nil
      try FileSystem.replace(old, with: new)
      // Not every file system lets itself be held.
      #expect(try namelessFiles(of: folder.path).count == (isHeld ? 1 : 0))
      _ = consume outgoing
      OutgoingFile.waitForRoom()
      #expect(try namelessFiles(of: folder.path).isEmpty)
    }

    @Test("a save that replaces a file holds it no longer than its room takes to be freed")
    func replaced() throws {
      let folder = try TemporaryDirectory()
      let path = folder.file("weights.h5")
      let checkpoint = try Checkpoint(dense: [512], inputs: 512)
      for _ in 0..<3 {
        try checkpoint.save(
          to: path, profile: Profile(dialect: .keras3, layout: .weights), replacing: true)
      }
      OutgoingFile.waitForRoom()
      #expect(try namelessFiles(of: folder.path).isEmpty)
      #expect(try folder.names() == ["weights.h5"])
    }
  #endif

  @Test("where no file has the name, none is held")
  func missing() throws {
    let folder = try TemporaryDirectory()
    let isHeld = OutgoingFile(folder.file("none")) != nil
    #expect(!isHeld)
  }
}
