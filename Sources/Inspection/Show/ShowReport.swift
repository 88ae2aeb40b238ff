public import Checkpoints

/// What is in a checkpoint: the report of `checkpoint-inspect show`.
public struct ShowReport: Report, Sendable {
  public struct Options: Sendable {
    /// Adds the SHA-256 of each tensor's little-endian bytes.
    public var digests = false
    /// Adds what the elements of each tensor are like.
    public var statistics = false
    /// Adds what the optimizer's state says about the training of each variable.
    public var health = false
    public var filter = TensorFilter.all
    public var order = TensorOrder.file

    public init() {}
  }

  /// A tensor and what was found out about it.
  public struct Item: Sendable {
    public let entry: CheckpointEntry
    public internal(set) var sha256: String?
    public internal(set) var statistics: TensorStatistics?
  }

  public let path: String
  public let manifest: CheckpointManifest
  public let options: Options
  /// The selected tensors, in the order that was asked for.
  public let items: [Item]
  /// By variable, in the model's order; nil unless asked for.
  public let health: OptimizerHealth?

  /// About how many bytes are read for it.
  public static func byteCount(of manifest: CheckpointManifest, options: Options) -> Int {
    let entries = manifest.entries.filter(options.filter.selects)
    func byteCount(_ entries: [CheckpointEntry]) -> Int {
      entries.reduce(0) { $0 + $1.byteCount }
    }
    let readings =
      (options.statistics ? 2 : options.order.needsStatistics ? 1 : 0) + (options.digests ? 1 : 0)
    let slots = options.health ? entries.filter { $0.role.keyword == "slot" } : []
    return readings * byteCount(entries) + 3 * byteCount(slots)
  }

  /// Reads what the options ask for; without statistics, digests and health no tensor is read.
  ///
  /// - Throws: `refused` when the filter selects nothing, otherwise what reading a tensor throws.
  public init(
    _ reader: borrowing CheckpointReader, options: Options = Options()
  ) throws(CheckpointError) {
    path = reader.path
    manifest = reader.manifest
    self.options = options
    let entries = try options.filter.select(
      from: reader.manifest, to: "show", path: reader.path)
    var items = entries.map { Item(entry: $0) }
    if options.statistics || options.order.needsStatistics {
      let statistics = try TensorStatistics.reading(
        entries, of: reader, detail: options.statistics ? .distribution : .moments)
      for (index, statistics) in statistics.enumerated() { items[index].statistics = statistics }
    }
    if options.digests {
      for index in items.indices where entries[index].dtype != nil {
        items[index].sha256 = try reader.sha256(of: entries[index])
      }
    }
    self.items = options.order.sorted(items)
    health = options.health ? try OptimizerHealth(reading: reader, entries) : nil
  }
}

/// In which order tensors are shown.
public enum TensorOrder: String, CaseIterable, Sendable {
  /// That of the model, slots under their variables.
  case file
  case name
  /// Largest first.
  case size
  /// Roles in the order in which they come in the file, names inside.
  case role
  /// Largest element first, by magnitude.
  case magnitude
  /// Most zeros first, by their share.
  case sparsity
  /// Largest standard deviation first.
  case deviation

  /// Whether tensors must be read for it.
  var needsStatistics: Bool {
    switch self {
    case .file, .name, .size, .role: false
    case .magnitude, .sparsity, .deviation: true
    }
  }

  /// Equals stay in the file's order, what has no such number comes last.
  func sorted(_ items: [ShowReport.Item]) -> [ShowReport.Item] {
    func descending(_ key: (ShowReport.Item) -> Double?) -> [ShowReport.Item] {
      items.enumerated().sorted { a, b in
        let (x, y) = (key(a.element) ?? -.infinity, key(b.element) ?? -.infinity)
        return x != y ? x > y : a.offset < b.offset
      }.map(\.element)
    }
    switch self {
    case .file: return items
    case .name:
      return items.enumerated().sorted {
        ($0.element.entry.name, $0.offset) < ($1.element.entry.name, $1.offset)
      }.map(\.element)
    case .role:
      var roles: [String] = []
      for item in items where !roles.contains(item.entry.role.keyword) {
        roles.append(item.entry.role.keyword)
      }
      let byName = Self.name.sorted(items)
      return roles.flatMap { role in byName.filter { $0.entry.role.keyword == role } }
    case .size: return descending { Double($0.entry.byteCount) }
    case .magnitude:
      return descending { item in
        item.statistics.flatMap { statistics in
          guard let minimum = statistics.minimum, let maximum = statistics.maximum else {
            return nil
          }
          return max(minimum.magnitude, maximum.magnitude)
        }
      }
    case .sparsity: return descending { $0.statistics?.sparsity }
    case .deviation: return descending { $0.statistics?.standardDeviation }
    }
  }
}
