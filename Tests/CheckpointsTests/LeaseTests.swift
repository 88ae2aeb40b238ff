import Foundation
import KerasConfiguration
import Synchronization
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The lease of a folder")
struct LeaseTests {
  private func open(_ folder: String) throws(CheckpointError) -> CheckpointStore {
    try CheckpointStore(opening: folder, profile: StoreSample.profile)
  }

  /// A lease file of another writer.
  private func leave(_ owner: ProcessIdentity, in folder: String, secondsAgo: Double = 0) throws {
    let path = "\(folder)/.cairn-lease"
    try LeaseRecord(owner: owner).text.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: path)
  }

  private func owner(
    host: String? = nil, number: pid_t = getpid(), startTime: String? = nil
  ) -> ProcessIdentity {
    let current = ProcessIdentity.current
    return ProcessIdentity(
      host: host ?? current.host, numbering: current.numbering, number: number,
      startTime: startTime ?? current.startTime)
  }

  @Test("a second store of the folder is refused while the first is there, and listing is not")
  func secondStore() throws {
    let folder = try TemporaryDirectory()
    do {
      let first = try open(folder.path)
      let error = #expect(throws: CheckpointError.self) { _ = try open(folder.path) }
      #expect(error?.kind == .inUse)
      #expect(error?.description.contains("this process (\(getpid())) saves checkpoints") == true)
      #expect(try CheckpointStore.saved(in: folder.path) == [])
      _ = first.folder
    }
    #expect(try folder.names() == [])
    _ = try open(folder.path)
  }

  @Test("the lease of a living process is refused by its name, that of a dead one taken over")
  func processes() throws {
    let folder = try TemporaryDirectory()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sleep")
    process.arguments = ["600"]
    try process.run()
    let number = process.processIdentifier
    let startTime = try #require(ProcessIdentity.startTime(of: number))
    try leave(owner(number: number, startTime: startTime), in: folder.path, secondsAgo: 3600)
    let error = #expect(throws: CheckpointError.self) { _ = try open(folder.path) }
    #expect(error?.kind == .inUse)
    #expect(
      error?.description.contains("process \(number) on host \(ProcessIdentity.current.host)")
        == true)
    // Not SIGTERM, which a process may inherit blocked.
    kill(number, SIGKILL)
    process.waitUntilExit()
    _ = try open(folder.path)
  }

  @Test("a process that has the number of a dead owner, but began later, is not the owner")
  func reusedNumber() throws {
    let folder = try TemporaryDirectory()
    try leave(owner(startTime: "1"), in: folder.path)
    _ = try open(folder.path)
  }

  @Test("the lease of another host stands until its heartbeat is a minute old")
  func otherHost() throws {
    let folder = try TemporaryDirectory()
    try leave(owner(host: "elsewhere"), in: folder.path, secondsAgo: 50)
    let error = #expect(throws: CheckpointError.self) { _ = try open(folder.path) }
    #expect(error?.kind == .inUse)
    #expect(error?.description.contains("on host elsewhere") == true)
    #expect(try folder.names() == [".cairn-lease"])
    try leave(owner(host: "elsewhere"), in: folder.path, secondsAgo: 70)
    _ = try open(folder.path)
  }

  @Test(
    "a lease that says nothing, of a writer that died at the wrong moment, expires like any other")
  func emptyLease() throws {
    let folder = try TemporaryDirectory()
    try "".write(toFile: folder.file(".cairn-lease"), atomically: false, encoding: .utf8)
    #expect(throws: CheckpointError.self) { _ = try open(folder.path) }
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -70)],
      ofItemAtPath: folder.file(".cairn-lease"))
    _ = try open(folder.path)
  }

  @Test(
    "a store whose lease was taken by another commits nothing more, and leaves that lease alone")
  func robbed() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    do {
      let store = try open(folder.path)
      try store.save(checkpoint, step: 1)
      try store.finish()
      try leave(owner(host: "elsewhere"), in: folder.path)
      try store.save(checkpoint, step: 2)
      let error = #expect(throws: CheckpointError.self) { try store.finish() }
      #expect(error?.kind == .inUse)
      #expect(error?.description.contains("host elsewhere") == true)
    }
    #expect(try folder.names() == [".cairn-lease", "step-000000000001.h5"])
  }

  @Test("the heartbeat renews the time of the lease")
  func heartbeat() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file(".cairn-lease")
    let lease = try FolderLease(of: folder.path, heartbeatSeconds: 0.02)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -3000)], ofItemAtPath: path)
    let deadline = Date(timeIntervalSinceNow: 20)
    var age = 3000.0
    while age > 1000, Date() < deadline {
      usleep(5000)
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      age = -(attributes[.modificationDate] as! Date).timeIntervalSinceNow
    }
    #expect(age < 1000)
    lease.release()
    #expect(try folder.names() == [])
  }

  @Test("of many that open a folder at once, with the lease of a dead owner in it, one wins")
  func race() throws {
    for _ in 0..<20 {
      let folder = try TemporaryDirectory()
      try leave(owner(startTime: "1"), in: folder.path)
      let path = folder.path
      let stores = Mutex<[FolderLease]>([])
      let refusals = Atomic<Int>(0)
      DispatchQueue.concurrentPerform(iterations: 6) { _ in
        do throws(CheckpointError) {
          let lease = try FolderLease(of: path)
          stores.withLock { $0.append(lease) }
        } catch {
          if error.kind == .inUse { refusals.add(1, ordering: .relaxed) }
        }
      }
      let valid = stores.withLock { $0.filter { (try? $0.check()) != nil } }
      #expect(valid.count == 1)
      #expect(refusals.load(ordering: .relaxed) + stores.withLock { $0.count } == 6)
      stores.withLock { $0.removeAll() }
    }
  }
}

@Suite("Left-overs of writers that died")
struct LeftOverTests {
  @Test("names in the making are told from all others, whatever the host is called")
  func names() throws {
    let made = PendingName(for: "model.h5")
    let parsed = try #require(PendingName(parsing: made.text))
    #expect(parsed.finalName == "model.h5")
    #expect(parsed.process == getpid())
    #expect(parsed.isWriterRunning == true)
    let other = try #require(PendingName(parsing: "a.tmp-b.h5.tmp-node-7.example.org-12-ff"))
    #expect(other.finalName == "a.tmp-b.h5")
    #expect(other.host == "node-7.example.org")
    #expect(other.process == 12)
    #expect(other.isWriterRunning == nil)
    for name in [
      "model.h5", "model.h5.tmp", "model.tmp-1-2", "x.tmp-host-1-zz", ".tmp-host-1-ff",
      "x.tmp-host-0-ff", "x.tmp--1-ff",
    ] {
      #expect(PendingName(parsing: name) == nil, "\(name)")
    }
  }

  @Test("a save removes what a dead writer of the same file left, and nothing else")
  func besideTheOutput() throws {
    let folder = try TemporaryDirectory()
    let dead = Process()
    dead.executableURL = URL(fileURLWithPath: "/bin/true")
    try dead.run()
    dead.waitUntilExit()
    let host = PendingName(for: "x").host
    let stay = [
      "model.h5.tmp-\(host)-\(getpid())-1", "model.h5.tmp-elsewhere-\(dead.processIdentifier)-1",
      "other.h5.tmp-\(host)-\(dead.processIdentifier)-1", "model.h5.tmp",
    ]
    let go = "model.h5.tmp-\(host)-\(dead.processIdentifier)-1"
    for name in stay + [go] {
      try "x".write(toFile: folder.file(name), atomically: false, encoding: .utf8)
    }
    try StoreSample.checkpoint().save(
      to: folder.file("model.h5"), profile: StoreSample.profile)
    #expect(try folder.names() == (stay + ["model.h5"]).sorted())
  }
}
