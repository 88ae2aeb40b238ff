import HDF5
import Tensors

/// The groups and datasets of a file as its outline tells them.
///
/// Made only of a file whose structure is, by its digest, the one that Cairn wrote and outlined: it says then
/// what libhdf5 would say.
///
/// A class because all groups that are read of it share it.
final class OutlinedTree {
  private var nodes: [[String: Member]] = [[:]]
  private var listings: [[(name: String, member: Member)]] = []
  private let datasets: [Dataset]
  private let contentOffset: Int

  /// What a name in a group leads to.
  enum Member {
    /// A group, by its position among the nodes; the root's is 0.
    case group(Int)
    /// A dataset, by its position among those of the table.
    case dataset(Int)
  }

  private struct Dataset {
    let path: String
    let outline: Outline.Dataset
    let byteCount: Int
    let offset: Int

    /// Whether what record and outline say of it fits together.
    var isConsistent: Bool {
      let (count, overflow) = outline.shape.elementCount
        .multipliedReportingOverflow(by: outline.dtype.byteCount)
      return !overflow && count == byteCount && path.utf8.first == UInt8(ascii: "/")
    }
  }

  /// - Parameter contentOffset: where the content begins in the file.
  /// - Returns: nil without an outline, or with one that is no longer in force.
  init?(_ table: DigestTable, contentAt contentOffset: Int) {
    guard let outline = table.outline, table.isOutlineInForce else { return nil }
    self.contentOffset = contentOffset
    datasets = zip(table.records.filter { $0.kind == .dataset }, outline.datasets).map {
      Dataset(path: $0.name, outline: $1, byteCount: $0.byteCount, offset: $0.offset)
    }
    guard datasets.allSatisfy(\.isConsistent) else { return nil }
    var parent = (path: Substring(), node: 0)
    for (index, dataset) in datasets.enumerated() {
      let (group, name) = Self.split(dataset.path[...])
      // Most have the group of the one before.
      if group != parent.path { parent = (group, node(of: group)) }
      nodes[parent.node][String(name)] = .dataset(index)
    }
    for group in outline.emptyGroups { _ = node(of: group[...]) }
    // That of the table, which has no record of itself.
    _ = node(of: "/\(CairnGroup.path)")
    // Several readers go over the list of a model's layers.
    listings = nodes.map { node in
      node.map { (name: $0.key, member: $0.value) }
        .sorted { NumericAwareOrder.precedes($0.name, $1.name) }
    }
  }

  /// The group of an absolute path, made with its parents where it is not there yet.
  private func node(of path: Substring) -> Int {
    var node = 0
    for name in path.split(separator: "/") {
      if case .group(let inner) = nodes[node][String(name)] {
        node = inner
      } else {
        nodes[node][String(name)] = .group(nodes.count)
        node = nodes.count
        nodes.append([:])
      }
    }
    return node
  }

  private static func split(_ path: Substring) -> (group: Substring, name: Substring) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
    return (path[..<slash], path[path.utf8.index(after: slash)...])
  }

  /// What a relative path leads to; nil if it leads to nothing.
  func member(at path: String, of node: Int) -> Member? {
    var member = Member.group(node)
    for name in path.split(separator: "/") {
      guard case .group(let inner) = member, let next = nodes[inner][String(name)] else {
        return nil
      }
      member = next
    }
    return member
  }

  /// What stands in a group, in the order in which ``HDF5/HDF5Group/links()`` gives it.
  func members(of node: Int) -> [(name: String, member: Member)] {
    listings[node]
  }

  /// Describes a dataset.
  func entry(_ index: Int, name: String, role: CheckpointEntry.Role) -> CheckpointEntry {
    let dataset = datasets[index]
    let dtype = dataset.outline.dtype
    return CheckpointEntry(
      name: name, role: role, datasetPath: dataset.path, shape: dataset.outline.shape, dtype: dtype,
      storedType: dtype.elementType.description, byteCount: dataset.byteCount,
      byteOffset: dataset.byteCount > 0 ? contentOffset + dataset.offset : nil)
  }
}
