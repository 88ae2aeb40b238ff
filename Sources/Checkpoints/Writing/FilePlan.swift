import HDF5
import Tensors

/// Every group, attribute and dataset that a file will have: what a layout wants, before any file
/// exists.
struct FilePlan {
  typealias Attribute = (name: String, value: AttributeValue)

  struct Group {
    /// From the root, without a leading `/`; `""` is the root.
    let path: String
    var attributes: [Attribute] = []
  }

  struct Dataset {
    let path: String
    let value: Tensor
    /// Whether nobody reads the value again once it is written; see ``FilePlan/giveUpSnapshots()``.
    var isGivenUp = false
  }

  /// In the order of creation; parents are made as needed.
  var groups: [Group] = []
  var datasets: [Dataset] = []
  var wrapping = Wrapping.none
  /// How the digests are computed that the file gets (``DigestTable``); nil for none.
  var digests: DigestAlgorithm?

  /// What stands around the HDF5 content.
  enum Wrapping {
    case none
    /// A zip archive: the HDF5 content is its first member, these are the others.
    case archive([(name: String, content: [UInt8])])
    /// A folder: the HDF5 content is one of its files, these are the others.
    case folder([(name: String, content: [UInt8])])
    /// Several files of at most so many bytes of variables, and a map of them.
    case shards(maximumByteCount: Int)

    var isShards: Bool { if case .shards = self { true } else { false } }
  }

  /// In a layout of several files, how many bytes of variables each of them holds; a larger variable gets a
  /// file of its own.
  mutating func limitShards(to byteCount: Int) {
    if case .shards = wrapping { wrapping = .shards(maximumByteCount: byteCount) }
  }

  /// Lets the fill give up each piece of a snapshot as soon as it is written, so that the training need not
  /// keep it any longer. The tensors of this plan cannot be read afterwards.
  mutating func giveUpSnapshots() {
    var counts: [ObjectIdentifier: Int] = [:]
    for dataset in datasets {
      counts[ObjectIdentifier(dataset.value.storageForReading), default: 0] += 1
    }
    for index in datasets.indices {
      // What two datasets hold is read twice.
      datasets[index].isGivenUp =
        counts[ObjectIdentifier(datasets[index].value.storageForReading)] == 1
    }
  }

  /// Where the HDF5 content begins in its file.
  var contentOffset: Int {
    switch wrapping {
    case .none, .folder, .shards: 0
    case .archive: ArchiveLayout.weightsOffset
    }
  }

  /// The small files or members beside the HDF5 content.
  var documents: [(name: String, content: [UInt8])] {
    switch wrapping {
    case .none, .shards: []
    case .archive(let documents), .folder(let documents): documents
    }
  }
}

/// An attribute with the exact HDF5 type that Keras gives it.
enum AttributeValue: Hashable {
  /// Variable-length, scalar.
  case ascii(String)
  case utf8(String)
  /// Variable-length ASCII, one axis.
  case asciiList([String])
  /// Fixed-width, NUL-padded ASCII, one axis.
  case fixedList([String], width: Int)
  /// Keras's empty list: float64, extent 0.
  case emptyList
  case integer(Int64)
}

extension AttributeValue {
  /// A list of names as Keras stores it: one attribute while the names, padded to the longest, fit in
  /// 64,512 bytes and number at most 4,091 (the library's limit for variable strings); else several,
  /// `name0`, `name1`, ..., of fixed width and nearly equal length, the longer ones first.
  static func nameList(
    _ attribute: String, _ names: [String]
  ) -> [(name: String, value: AttributeValue)] {
    if names.isEmpty { return [(attribute, .emptyList)] }
    let width = names.map(\.utf8.count).max()!
    let limit = 64512
    if names.count * width <= limit, names.count <= 4091 {
      return [(attribute, .asciiList(names))]
    }
    var count = 2
    while (names.count + count - 1) / count * width > limit { count += 1 }
    var chunks: [(name: String, value: AttributeValue)] = []
    var start = 0
    for index in 0..<count {
      let length = names.count / count + (index < names.count % count ? 1 : 0)
      let chunk = Array(names[start..<start + length])
      chunks.append(("\(attribute)\(index)", .fixedList(chunk, width: width)))
      start += length
    }
    return chunks
  }
}
