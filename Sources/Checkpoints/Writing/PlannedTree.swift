/// The groups of a plan as a tree, each with what stands directly in it.
struct PlannedTree {
  /// The root first.
  private(set) var nodes = [Node(name: "")]
  private var indices: [String: Int] = ["": 0]
  private var datasetCount = 0

  struct Node {
    /// Inside its parent.
    let name: String
    /// Their names differ.
    var attributes: [FilePlan.Attribute] = []
    /// Positions in the plan, and names inside the group.
    var datasets: [(index: Int, name: String)] = []
    /// Positions in the tree, in the order of first mention.
    var groups: [Int] = []
  }

  var root: Node { nodes[0] }

  /// Groups and datasets.
  var objectCount: Int { nodes.count + datasetCount }

  init(_ plan: FilePlan) {
    datasetCount = plan.datasets.count
    for group in plan.groups {
      let index = node(of: group.path)
      for attribute in group.attributes {
        nodes[index].attributes.removeAll { $0.name == attribute.name }
        nodes[index].attributes.append(attribute)
      }
    }
    for (position, dataset) in plan.datasets.enumerated() {
      let (parent, name) = Self.split(dataset.path)
      let index = node(of: parent)
      nodes[index].datasets.append((position, name))
    }
  }

  /// The group of a path, made with its parents where it is not there yet.
  private mutating func node(of path: String) -> Int {
    if let index = indices[path] { return index }
    let (parentPath, name) = Self.split(path)
    let parent = node(of: parentPath)
    let index = nodes.count
    nodes.append(Node(name: name))
    nodes[parent].groups.append(index)
    indices[path] = index
    return index
  }

  private static func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
    return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
  }
}
