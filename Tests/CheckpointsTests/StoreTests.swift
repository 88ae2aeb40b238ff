import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("CheckpointStore")
struct StoreTests {
  @Test("a save returns while its file is still to be written, and holds the state as it was")
  func background() throws {
    let folder = try TemporaryDirectory()
    let log = StoreLog(holding: true)
    var checkpoint = try StoreSample.checkpoint()
    let original = checkpoint.variables[0].value
    let store = try StoreSample.store(folder.path, log: log)
    #expect(try store.save(checkpoint, step: 1) == .started)
    checkpoint.variables[0].value.withMutableElements(of: Float.self) { $0[0] = 77 }
    #expect(try StoreSample.steps(folder.path) == [])
    log.open()
    try store.finish()
    let loaded = try CheckpointReader(opening: store.path(ofStep: 1)).load()
    #expect(loaded.variables[0].value.isIdentical(to: original))
    #expect(log.text == ["began 1", "saved 1"])
  }

  @Test("one save is in flight: a second is skipped, or waits, as the caller chooses")
  func busy() throws {
    let folder = try TemporaryDirectory()
    let log = StoreLog(holding: true)
    let checkpoint = try StoreSample.checkpoint()
    let store = try StoreSample.store(folder.path, log: log)
    try store.save(checkpoint, step: 1)
    #expect(try store.save(checkpoint, step: 2, whenBusy: .skip) == .skipped)
    log.open()
    log.open()
    #expect(try store.save(checkpoint, step: 3) == .started)
    try store.finish()
    #expect(log.text == ["began 1", "saved 1", "began 3", "saved 3"])
    #expect(try StoreSample.steps(folder.path) == [1, 3])
  }

  @Test("an error is thrown by the next save, which does not begin, and by that alone")
  func errorAtNextSave() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    let log = StoreLog()
    let store = try StoreSample.store(folder.path, log: log)
    try blockStep(2, of: store)
    try store.save(checkpoint, step: 2)
    let error = #expect(throws: CheckpointError.self) { try store.save(checkpoint, step: 3) }
    #expect(error?.path == store.path(ofStep: 2))
    try store.save(checkpoint, step: 4)
    try store.finish()
    #expect(log.text == ["began 2", "failed 2: unwritable", "began 4", "saved 4"])
    // Nothing of the failed one is left.
    #expect(
      try folder.names() == [".cairn-lease", "step-000000000002.h5", "step-000000000004.h5"])
  }

  @Test("an error of the last save is thrown by finish, once")
  func errorAtFinish() throws {
    let folder = try TemporaryDirectory()
    let store = try CheckpointStore(opening: folder.path, profile: StoreSample.profile)
    try blockStep(2, of: store)
    try store.save(StoreSample.checkpoint(), step: 2)
    #expect(throws: CheckpointError.self) { try store.finish() }
    try store.finish()
  }

  @Test("a store that goes with an error that nobody was told ends the process")
  func unseenError() async throws {
    await #expect(processExitsWith: .failure) {
      let folder = try TemporaryDirectory()
      let store = try CheckpointStore(opening: folder.path, profile: StoreSample.profile)
      try FileManager.default.createDirectory(
        atPath: "\(store.path(ofStep: 2))/x", withIntermediateDirectories: true)
      try store.save(StoreSample.checkpoint(), step: 2)
    }
  }

  @Test("a store that goes waits for its save, and gives the folder back")
  func unfinished() throws {
    let folder = try TemporaryDirectory()
    do {
      let store = try CheckpointStore(opening: folder.path, profile: StoreSample.profile)
      try store.save(StoreSample.checkpoint(), step: 5)
    }
    #expect(try folder.names() == ["step-000000000005.h5"])
  }

  @Test("with a limit on memory, a save that passes it returns when its tensors are let go")
  func memoryLimit() throws {
    let folder = try TemporaryDirectory()
    var checkpoint = try StoreSample.checkpoint()
    let store = try StoreSample.store(
      folder.path, memoryLimit: checkpoint.byteCount - 1, log: StoreLog())
    // A storage of its own, that nothing but the snapshot could share.
    checkpoint.variables[0].value.withMutableElements(of: Float.self) { $0[0] = 1 }
    let address = Self.address(of: checkpoint.variables[0].value)
    try store.save(checkpoint, step: 1)
    checkpoint.variables[0].value.withMutableElements(of: Float.self) { $0[0] = 2 }
    #expect(Self.address(of: checkpoint.variables[0].value) == address, "it was shared")
    try store.finish()
  }

  @Test("below the limit a save does not wait")
  func belowLimit() throws {
    let folder = try TemporaryDirectory()
    let log = StoreLog(holding: true)
    let checkpoint = try StoreSample.checkpoint()
    let store = try StoreSample.store(folder.path, memoryLimit: checkpoint.byteCount, log: log)
    try store.save(checkpoint, step: 1)
    #expect(try StoreSample.steps(folder.path) == [])
    log.open()
    try store.finish()
  }

  @Test(
    "every layout of Keras can be stored, replaced, listed, and removed whole",
    arguments: [
      Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras3, layout: .weights),
      Profile(dialect: .keras3, layout: .archive), Profile(dialect: .keras3, layout: .sharded),
      Profile(dialect: .keras3, layout: .directory),
    ])
  func layouts(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    let log = StoreLog()
    let store = try StoreSample.store(
      folder.path, profile: profile, retention: Retention(newest: 1), log: log)
    for step in [1, 1, 2] { try store.save(checkpoint, step: step) }
    try store.finish()
    #expect(log.text.filter { $0.hasPrefix("removed") } == ["removed 1"])
    #expect(try store.saved() == [.init(step: 2, path: store.path(ofStep: 2))])
    #expect(try folder.names().filter { $0.contains("000001") } == [])
    let reader = try CheckpointReader(opening: store.path(ofStep: 2))
    #expect(reader.manifest.storeRecord == StoreRecord(step: 2))
    #expect(try reader.load().variables.count == checkpoint.variables.count)
  }

  @Test("the folders above that of a store are made, too; a file among them is told")
  func foldersAbove() throws {
    let folder = try TemporaryDirectory()
    let log = StoreLog()
    let store = try StoreSample.store(folder.file("runs/digits/first/"), log: log)
    try store.save(try StoreSample.checkpoint(), step: 1)
    try store.finish()
    #expect(try StoreSample.steps(folder.file("runs/digits/first")) == [1])
    try "".write(toFile: folder.file("file"), atomically: false, encoding: .utf8)
    for path in ["file", "file/run"] {
      let error = #expect(throws: CheckpointError.self) {
        _ = try StoreSample.store(folder.file(path), log: log)
      }
      #expect(error?.kind == .unwritable)
    }
  }

  /// Puts a folder that nothing replaces where the file of a step would be.
  private func blockStep(_ step: Int, of store: CheckpointStore) throws {
    try FileManager.default.createDirectory(
      atPath: "\(store.path(ofStep: step))/x", withIntermediateDirectories: true)
  }

  private static func address(of tensor: Tensor) -> UInt {
    tensor.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }
}
