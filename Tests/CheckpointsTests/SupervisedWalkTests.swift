import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Reading a damaged file in another process") struct SupervisedWalkTests {
  /// A program that walks as `script` says; `$*` are the arguments of the walk.
  private func program(
    _ script: String, in folder: borrowing TemporaryDirectory, patienceSeconds: Double = 20
  ) throws -> WalkingProgram {
    let path = folder.file("walk")
    try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return WalkingProgram(
      executable: path, leadingArguments: [], patienceSeconds: patienceSeconds)
  }

  /// A walk that finds `/`, ends badly at `/a` unless told to skip it, and then finds `/b`.
  private static func script(_ ending: String) -> String {
    """
    echo '{"at": "/"}'
    echo '{"path": "/", "kind": "group"}'
    case "$*" in
      *"--skip /a"*) ;;
      *) echo '{"at": "/a"}'; \(ending) ;;
    esac
    echo '{"at": "/b"}'
    echo '{"path": "/b", "kind": "group"}'
    echo '{"done": true}'
    """
  }

  private func walk(_ program: WalkingProgram) throws -> SupervisedWalk {
    try SupervisedWalk(program, "x.h5", window: 0..<1, spoolFolder: nil)
  }

  @Test("an object at which the process crashes is unreadable, and all others are read")
  func crash() throws {
    let folder = try TemporaryDirectory()
    let walk = try walk(program(Self.script("kill -SEGV $$"), in: folder))
    #expect(walk.failure == nil)
    #expect(walk.objects.map(\.path) == ["/", "/b", "/a"])
    guard case .unreadable(let reason) = walk.objects[2].kind else {
      Issue.record("\(walk.objects[2].kind)")
      return
    }
    #expect(reason.contains("crashed") && reason.contains("signal 11"))
  }

  @Test("an object at which the process comes to no end is unreadable, and all others are read")
  func hang() throws {
    let folder = try TemporaryDirectory()
    let walk = try walk(
      program(Self.script("exec sleep 600"), in: folder, patienceSeconds: 0.5))
    #expect(walk.failure == nil)
    #expect(walk.objects.map(\.path) == ["/", "/b", "/a"])
    guard case .unreadable(let reason) = walk.objects[2].kind else {
      Issue.record("\(walk.objects[2].kind)")
      return
    }
    #expect(reason.contains("no end"))
  }

  @Test("a process that always crashes at the same place is not started for ever")
  func hopeless() throws {
    let folder = try TemporaryDirectory()
    let walk = try walk(
      program(#"echo '{"at": "/a"}'; echo x >> "$0.count"; kill -SEGV $$"#, in: folder))
    #expect(walk.failure?.contains("crashed") == true, "\(walk.failure ?? "")")
    #expect(walk.datasets.isEmpty)
    let starts = try String(contentsOfFile: folder.file("walk.count"), encoding: .utf8)
    #expect(starts == "x\nx\n")
  }

  @Test("a program that is not there is an error, not a damaged file")
  func noProgram() throws {
    let folder = try TemporaryDirectory()
    let program = WalkingProgram(executable: folder.file("none"), leadingArguments: [])
    let error = try #require(throws: SystemCallError.self) { _ = try walk(program) }
    #expect(error.code == ENOENT)
  }

  @Test("a description of an object survives its way as a line of JSON")
  func coding() throws {
    let object = FoundObject(
      path: "/a b/\u{e9}", kind: .unreadable("why"),
      attributes: [
        ("a", .ascii("x\n\"y\"")), ("b", .utf8("\u{e9}")), ("c", .asciiList(["p", "q"])),
        ("d", .fixedList(["r"], width: 7)), ("e", .emptyList), ("f", .integer(.min)),
      ], lostAttributes: [("g", "lost")])
    let copy = try #require(FoundObject(json: object.json))
    #expect(copy.path == object.path)
    #expect(copy.attributes.map(\.name) == object.attributes.map(\.name))
    #expect(copy.attributes.map(\.value) == object.attributes.map(\.value))
    #expect(copy.lostAttributes.map(\.reason) == ["lost"])
  }
}
