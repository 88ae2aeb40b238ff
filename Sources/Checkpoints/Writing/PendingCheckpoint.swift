import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A checkpoint whose bytes are all written, under names that are not yet final: what is left of a save is
/// its commit, for which the tensors are no longer needed.
struct PendingCheckpoint: ~Copyable {
  private let path: String
  private let files: Files

  private enum Files: ~Copyable {
    case file(PendingFile)
    case folder(PendingFolder)
    case shards(PendingShards, ShardMap)
  }

  /// Lays the files of a plan out beside `path` and fills them.
  ///
  /// - Parameter kept: spares the layout, except of shards.
  /// - Throws: `unwritable`, with what is missing where the disk has no room; `outputExists`. Nothing is left
  ///   of it then.
  init(
    writing plan: FilePlan, for path: String, replacing: Bool, threadCount: Int,
    reusing kept: KeptSkeleton? = nil
  ) throws(CheckpointError) {
    self.path = path
    try plan.requireRoom(at: path)
    do {
      files = try Self.write(
        plan, for: path, replacing: replacing, threadCount: threadCount, reusing: kept)
    } catch let failure as UnfinishedFile {
      throw CheckpointError.saving(
        path, failure.error, byteCount: max(plan.byteCount, failure.byteCount))
    } catch {
      throw CheckpointError.saving(path, error, byteCount: plan.byteCount)
    }
  }

  /// Makes everything durable, then the checkpoint exist under its final name.
  consuming func commit(replacing: Bool) throws(CheckpointError) {
    let path = path
    do {
      switch consume files {
      case .file(let pending): try pending.commit(replacing: replacing)
      case .folder(let pending): try pending.commit(replacing: replacing)
      case .shards(let pending, let map): try pending.commit(map, replacing: replacing)
      }
    } catch {
      throw CheckpointError.saving(path, error)
    }
  }

  private static func write(
    _ plan: FilePlan, for path: String, replacing: Bool, threadCount: Int,
    reusing kept: KeptSkeleton?
  ) throws -> Files {
    switch plan.wrapping {
    case .none, .archive:
      let pending = PendingFile(for: path)
      try plan.layOut(at: pending.temporaryPath, threadCount: threadCount, reusing: kept)
      return .file(pending)
    case .folder(let documents):
      let pending = try PendingFolder(for: path)
      try plan.layOut(
        at: pending.file(ArchiveLayout.weightsMember), threadCount: threadCount, reusing: kept)
      for document in documents { try pending.write(document.content, to: document.name) }
      return .folder(pending)
    case .shards(let maximum):
      let (plans, objects, groups) = plan.sharded(maximumByteCount: maximum)
      let pending = try PendingShards(for: path, count: plans.count, replacing: replacing)
      for (index, plan) in plans.enumerated() {
        try plan.layOut(at: pending.temporaryPath(ofShard: index), threadCount: threadCount)
      }
      let map = ShardMap(
        objects: zip(groups, objects).map { group, shards in
          .init(group: group, shards: shards.map { pending.names[$0] })
        }, byteCount: plan.variableByteCount, path: path)
      return .shards(pending, map)
    }
  }
}

// MARK: - Room on the disk

extension FilePlan {
  /// Bytes of tensors, texts and documents: the files are larger by some kilobytes of structure.
  var byteCount: Int {
    var count = datasets.reduce(0) { $0 + $1.value.byteCount }
    for group in groups {
      for attribute in group.attributes { count += attribute.value.byteCount }
    }
    switch wrapping {
    case .archive(let documents), .folder(let documents):
      count += documents.reduce(0) { $0 + $1.content.count }
    case .none, .shards: break
    }
    return count
  }

  /// Throws `unwritable` when the files cannot fit, before anything is written.
  func requireRoom(at path: String) throws(CheckpointError) {
    func tooLittle() -> Int? {
      let free = FileSystem.freeByteCount(in: FileSystem.folder(of: path))
      return free.flatMap { $0 < byteCount ? $0 : nil }
    }
    guard tooLittle() != nil else { return }
    OutgoingFile.waitForRoom()
    guard let free = tooLittle() else { return }
    throw .noRoom(path, byteCount: byteCount, free: free, SystemCallError("statvfs", code: ENOSPC))
  }
}

extension AttributeValue {
  fileprivate var byteCount: Int {
    switch self {
    case .ascii(let text), .utf8(let text): text.utf8.count
    case .asciiList(let texts): texts.reduce(0) { $0 + $1.utf8.count }
    case .fixedList(let texts, let width): texts.count * width
    case .emptyList: 0
    case .integer: 8
    }
  }
}

extension CheckpointError {
  /// The failure of a save of so many bytes.
  static func saving(_ path: String, _ error: any Error, byteCount: Int) -> CheckpointError {
    let error = saving(path, error)
    guard let cause = error.cause as? SystemCallError, cause.isNoSpace,
      // What was written of it has been removed by now.
      let free = FileSystem.freeByteCount(in: FileSystem.folder(of: path))
    else { return error }
    return .noRoom(path, byteCount: byteCount, free: free, cause)
  }

  fileprivate static func noRoom(
    _ path: String, byteCount: Int, free: Int, _ cause: SystemCallError
  ) -> CheckpointError {
    var problem = "\(cause): it takes \(size(byteCount)), \(size(free)) are free"
    if free < byteCount { problem += ", \(size(byteCount - free)) are missing" }
    return CheckpointError(
      .unwritable, "cannot write", path: path, problem: problem,
      cure: "free some space and save again", cause: cause)
  }

  /// Bytes in words, rounded up where they are many.
  private static func size(_ byteCount: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (byteCount, 0)
    while value >= 10_000, unit < units.count - 1 {
      value = (value + 1023) / 1024
      unit += 1
    }
    return "\(value) \(units[unit])"
  }
}
