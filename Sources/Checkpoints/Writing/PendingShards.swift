import HDF5

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of layout E in the making: the shards get their final names first, then the map that
/// refers to them is renamed, which is the moment at which the checkpoint begins to exist.
///
/// Shards of an existing checkpoint keep their names until the new map has replaced theirs, so the new
/// ones take other names. Keras 3 opens `x_00000.weights.h5` whatever the map says (and then reads from
/// the files of the map), so where the shards are called otherwise an empty file of that name stands
/// beside them.
struct PendingShards: ~Copyable {
  /// The shards' final names, without folder.
  let names: [String]
  private let mapPath: String
  private let folder: String
  private let temporaryPaths: [String]
  /// The name that Keras 3 insists on.
  private let firstName: String
  /// Shards of the checkpoint that is replaced.
  private let replacedNames: [String]
  private var linkedCount = 0
  private var isCommitted = false

  /// Chooses the names; creates nothing yet.
  ///
  /// - Throws: `EEXIST` when a file of such a name exists and nothing may be replaced.
  init(for mapPath: String, count: Int, replacing: Bool) throws(SystemCallError) {
    let folder = FileSystem.folder(of: mapPath)
    self.mapPath = mapPath
    self.folder = folder
    let base = ShardMap.base(ofMap: mapPath)
    let plain = (0..<count).map { ShardMap.shardName(base, $0) }
    firstName = plain[0]
    let isFree = plain.allSatisfy { FolderTree.kind(of: "\(folder)/\($0)") == nil }
    if !isFree, !replacing { throw SystemCallError("link", code: EEXIST) }
    let mark = "\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
    names = isFree ? plain : (0..<count).map { ShardMap.shardName("\(base)-\(mark)", $0) }
    replacedNames =
      replacing
      ? ((try? ShardMap(reading: mapPath))?.shards ?? []).filter { $0.hasPrefix(base) } : []
    temporaryPaths = names.map { PendingFile.temporaryPath(for: "\(folder)/\($0)") }
  }

  deinit {
    guard !isCommitted else { return }
    for path in temporaryPaths { unlink(path) }
    for name in names.prefix(linkedCount) { unlink("\(folder)/\(name)") }
  }

  /// Paths of the shards that the file at `path` refers to, and of the empty one that stands beside them for
  /// Keras 3; none when it is no map.
  static func names(ofMap path: String) -> [String] {
    guard let map = try? ShardMap(reading: path) else { return [] }
    let folder = FileSystem.folder(of: path)
    let base = ShardMap.base(ofMap: path)
    return Set(map.shards + [ShardMap.shardName(base, 0)]).filter { $0.hasPrefix(base) }
      .map { "\(folder)/\($0)" }.sorted()
  }

  /// Whether a file of this name is a shard, or was to become one, of the checkpoint whose map is called
  /// `map`.
  static func isShard(_ name: String, ofMap map: String) -> Bool {
    let base = ShardMap.base(ofMap: map)
    return name.hasSuffix(".weights.h5")
      && (name.hasPrefix("\(base)_") || name.hasPrefix("\(base)-"))
  }

  /// Where a shard is to be written.
  func temporaryPath(ofShard index: Int) -> String { temporaryPaths[index] }

  /// Makes the shards durable, gives them their names, writes the map and renames it; then removes the
  /// shards of the checkpoint that it replaced.
  consuming func commit(_ map: ShardMap, replacing: Bool) throws {
    for path in temporaryPaths { try FileSystem.synchronizeFile(path) }
    for (temporary, name) in zip(temporaryPaths, names) {
      try FileSystem.name("\(folder)/\(name)", file: temporary)
      linkedCount += 1
    }
    if names[0] != firstName, FolderTree.kind(of: "\(folder)/\(firstName)") == nil {
      try Self.writeEmptyFile("\(folder)/\(firstName)")
    }
    try FileSystem.synchronizeFolder(folder)
    let pending = PendingFile(for: mapPath)
    try FileCopy.create(pending.temporaryPath, Array(map.text.utf8))
    do {
      try pending.commit(replacing: replacing)
    } catch {
      // Where only the folder could not be made durable, the map stands, and needs its shards.
      isCommitted = (try? ShardMap(reading: mapPath).text) == map.text
      throw error
    }
    isCommitted = true
    if map.objects.isEmpty, names[0] != firstName {
      // A map without variables leads to no other file.
      try FileSystem.replace("\(folder)/\(firstName)", with: "\(folder)/\(names[0])")
    }
    removeReplaced(isNamed: !map.objects.isEmpty)
  }

  /// The new checkpoint stands, so a failure here only leaves files that nothing refers to.
  private func removeReplaced(isNamed: Bool) {
    if names[0] != firstName, isNamed { try? Self.writeEmptyFile("\(folder)/\(firstName)") }
    let stale = replacedNames + abandonedNames
    for name in stale where name != firstName && !names.contains(name) {
      try? FileSystem.remove("\(folder)/\(name)")
    }
  }

  /// Shards of this checkpoint whose writers died before their map was renamed.
  private var abandonedNames: [String] {
    let base = ShardMap.base(ofMap: mapPath)
    return ((try? FolderTree.names(in: folder)) ?? []).filter { name in
      guard name.hasPrefix("\(base)-"), let end = name.lastIndex(of: "_") else { return false }
      let mark = name[..<end].dropFirst(base.count + 1).split(separator: "-")
      guard mark.count == 2, let writer = pid_t(mark[0]), UInt32(mark[1], radix: 16) != nil,
        !ProcessIdentity.isRunning(writer)
      else { return false }
      // Another checkpoint may have such a name.
      return FolderTree.kind(of: "\(folder)/\(name[..<end]).weights.json") == nil
    }
  }

  /// An HDF5 file without content, in one step in the place of whatever has the name.
  private static func writeEmptyFile(_ path: String) throws {
    let pending = PendingFile(for: path)
    try HDF5File.create(pending.temporaryPath).close()
    try pending.commit(replacing: true)
  }
}
