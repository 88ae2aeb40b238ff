/// What the digests of a checkpoint say about it.
///
/// They find accidents. They are no proof of who wrote the file: whoever can change the tensors can
/// change the digests with them.
public struct VerificationReport: Sendable {
  /// As it was given.
  public let path: String
  /// How the digests were computed; nil for a checkpoint without.
  public let algorithm: DigestAlgorithm?
  /// The Merkle roots of the files with digests, 64 hexadecimal digits each, in the checkpoint's order.
  public let roots: [String]
  /// Tensors in the order of the manifest; then documents and what else the files consist of.
  public let items: [Item]

  /// Something that digests cover, or should.
  public struct Item: Sendable {
    public let subject: Subject
    /// A tensor's canonical name, its dataset's path where the manifest could not be read; a document's
    /// name.
    public let name: String
    /// The file that it lies in.
    public let file: String
    /// Where its first byte lies in the file; nil where that is not known, or not one place.
    public let fileOffset: Int?
    public let byteCount: Int
    public internal(set) var outcome: Outcome
  }

  public enum Subject: String, Sendable {
    case tensor
    /// A member of an archive or a file of a folder, such as `config.json`; a text of Cairn's own group.
    case document
    /// Everything in an HDF5 file around the tensors: headers, names, types, shapes, attributes.
    case structure
    /// The table of digests itself, or the mark that leads to it.
    case digests
    /// The headers and the directory of an archive.
    case archive
    /// The map of sharded weights.
    case map
  }

  public enum Outcome: Sendable, Hashable {
    /// As it was written.
    case intact
    /// Not as it was written: why in words, for a tensor also which blocks.
    case damaged(String, blocks: [TensorDamage])
    /// No digest covers it.
    case notCovered
  }
}

extension VerificationReport {
  /// The same report, with the name by which people know a file in the place of the one that was read.
  package func naming(_ file: String, _ name: String) -> VerificationReport {
    func named(_ path: String) -> String { path == file ? name : path }
    return VerificationReport(
      path: named(path), algorithm: algorithm, roots: roots,
      items: items.map { item in
        Item(
          subject: item.subject, name: item.name, file: named(item.file),
          fileOffset: item.fileOffset, byteCount: item.byteCount, outcome: item.outcome)
      })
  }

  /// Whether nothing is damaged. True of a checkpoint without digests that could be opened.
  public var isWhole: Bool { damaged.isEmpty }

  /// Whether every tensor has digests.
  public var isCovered: Bool { !tensors.contains { $0.outcome == .notCovered } && algorithm != nil }

  public var tensors: [Item] { items.filter { $0.subject == .tensor } }

  /// What is damaged, in the order of `items`.
  public var damaged: [Item] {
    items.filter { if case .damaged = $0.outcome { true } else { false } }
  }

  /// The first damage as the error that reading it throws; nil when there is none.
  public var error: CheckpointError? {
    guard let item = damaged.first, case .damaged(let reason, _) = item.outcome else { return nil }
    return CheckpointError(
      .damaged, "cannot verify", path: item.file, object: item.name, problem: reason,
      cure: CheckpointError.damageCure)
  }
}
