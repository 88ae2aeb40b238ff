import Foundation
import TestSupport
import Testing

/// A repository of its own, with a configuration of its own.
///
/// A class: a noncopyable value must not throw once a part of it is made.
private final class Repository {
  let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: folder.file("home"), withIntermediateDirectories: false)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try run("git", "init", "--quiet")
    try run("git", "config", "user.email", "somebody@example.org")
    try run("git", "config", "user.name", "Somebody")
  }

  var path: String { folder.file("repository") }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  func run(
    _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let outcome = try BuiltProduct.checkpointInspect.runInShell(
      """
      export HOME='\(folder.file("home"))' GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
      unset XDG_CONFIG_HOME GIT_CONFIG_GLOBAL
      exec "$@"
      """, arguments, in: path)
    #expect(outcome.exitCode == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
    return outcome.output
  }

  /// A commit of one checkpoint, and another one in its place.
  func changeModel() throws {
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: file("model.h5"))
    try Data("no checkpoint".utf8).write(to: URL(filePath: file("data.h5")))
    try run("git", "add", "--all")
    try run("git", "commit", "--quiet", "--message", "first")
    let other = folder.file("other.h5")
    expectSuccess(
      try inspect(
        "restore", Fixture.path("keras-2.12/mlp_ema.h5"), "--into", file("model.h5"), "-o", other,
        "--only", "dense/bias"))
    try contents(of: other).write(to: URL(filePath: file("model.h5")))
    try Data("still none".utf8).write(to: URL(filePath: file("data.h5")))
  }
}

@Suite("git") struct GitTests {
  @Test("shows two versions of a checkpoint as text, one line for each tensor that changed")
  func diff() throws {
    let repository = try Repository()
    try repository.run(BuiltProduct.checkpointInspect.path, "git-setup")
    try repository.changeModel()
    let lines = try repository.run("git", "diff", "model.h5").split(separator: "\n")
    let changes = lines.filter { $0.hasPrefix("+ ") || $0.hasPrefix("- ") }
    #expect(changes.count >= 2)
    #expect(changes.allSatisfy { $0.contains("dense/bias float32[12] ") }, "\(lines)")
    let others = try repository.run("git", "diff", "data.h5")
    #expect(others.contains("no checkpoint: ") && others.contains("+10 bytes, SHA-256 "))
  }

  @Test("its difftool shows what diff says")
  func difftool() throws {
    let repository = try Repository()
    try repository.run(BuiltProduct.checkpointInspect.path, "git-setup")
    try repository.changeModel()
    let shown = try repository.run(
      "git", "difftool", "--no-prompt", "--tool", "checkpoint", "model.h5")
    try repository.run("git", "stash", "--quiet")
    let before = repository.folder.file("before.h5")
    try FileManager.default.copyItem(atPath: repository.file("model.h5"), toPath: before)
    try repository.run("git", "stash", "pop", "--quiet")
    let diff = try inspect("diff", before, repository.file("model.h5"))
    #expect(diff.exitCode == 1)
    #expect(shown == diff.output)
  }

  @Test("is set up once however often, and as it was before when that is taken back")
  func idempotence() throws {
    let repository = try Repository()
    let program = BuiltProduct.checkpointInspect.path
    let attributes = repository.file(".gitattributes")
    let old = "*.txt text\n*.h5 filter=lfs -text"
    try Data(old.utf8).write(to: URL(filePath: attributes))
    let configuration = try text(of: repository.file(".git/config"))
    try repository.run(program, "git-setup")
    let once = (try text(of: attributes), try text(of: repository.file(".git/config")))
    #expect(once.0.hasPrefix(old))
    try repository.run(program, "git-setup")
    #expect(try text(of: attributes) == once.0)
    #expect(try text(of: repository.file(".git/config")) == once.1)
    try repository.run(program, "git-setup", "--remove")
    #expect(try text(of: attributes) == old + "\n")
    #expect(try !text(of: repository.file(".git/config")).contains("textconv"))
    #expect(try text(of: repository.file(".git/config")).hasPrefix(configuration))
  }

  @Test("is set up for all repositories with --global, and the repository is left alone")
  func global() throws {
    let repository = try Repository()
    try repository.run(BuiltProduct.checkpointInspect.path, "git-setup", "--global")
    #expect(!FileManager.default.fileExists(atPath: repository.file(".gitattributes")))
    try repository.changeModel()
    #expect(try repository.run("git", "diff", "model.h5").contains("dense/bias float32[12] "))
  }

  @Test("outside of a repository it says so")
  func outside() throws {
    let folder = try TemporaryDirectory()
    expectTrouble(try inspect("git-setup", in: folder.path), "no git repository", "--global")
  }

  @Test("the text of a checkpoint is the same whatever the file's name, and short")
  func stability() throws {
    let folder = try TemporaryDirectory()
    let copy = folder.file("x")
    try FileManager.default.copyItem(atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: copy)
    let first = try inspect("git-textconv", Fixture.path("keras-2.12/mlp.h5"))
    let second = try inspect("git-textconv", copy)
    expectSuccess(first)
    #expect(first.output == second.output)
    #expect(first.output.utf8.count < 2000)
  }
}
