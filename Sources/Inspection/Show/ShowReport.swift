public import Checkpoints

/// What is in a checkpoint: the report of `checkpoint-inspect show`.
public struct ShowReport: Report, Sendable {
  public struct Options: Sendable {
    /// Adds the SHA-256 of each tensor's little-endian bytes.
    public var digests = false
    /// Adds what the elements of each tensor are like.
    public var statistics = false
    public var filter = TensorFilter.all

    public init() {}
  }

  struct Item: Sendable {
    let entry: CheckpointEntry
    var sha256: String?
    var statistics: TensorStatistics?
  }

  let path: String
  let manifest: CheckpointManifest
  let options: Options
  /// The selected tensors, in the manifest's order.
  let items: [Item]

  /// Reads what the options ask for; without statistics and digests no tensor is read.
  ///
  /// - Throws: what reading a tensor throws.
  public init(
    _ reader: borrowing CheckpointReader, options: Options = Options()
  ) throws(CheckpointError) {
    path = reader.path
    manifest = reader.manifest
    self.options = options
    var items: [Item] = []
    for entry in reader.manifest.entries where options.filter.selects(entry) {
      var item = Item(entry: entry)
      if entry.dtype != nil {
        if options.digests { item.sha256 = try reader.sha256(of: entry) }
        if options.statistics { item.statistics = try TensorStatistics(reading: entry, of: reader) }
      }
      items.append(item)
    }
    self.items = items
  }
}
