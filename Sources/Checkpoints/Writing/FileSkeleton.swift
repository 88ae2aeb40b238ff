import HDF5
import Tensors

/// A file laid out from a plan, in memory: every group, attribute and dataset has its place, the tensors'
/// bytes are missing.
///
/// Filled with other tensors of the same dtypes and shapes, it is the file that a fresh layout of their
/// plan would give, byte for byte: no times are stored anywhere.
struct FileSkeleton: Sendable {
  /// Everything but the tensors' bytes.
  let image: HDF5Image
  /// Where the bytes of each dataset of the plan begin; 0 for one without elements.
  let offsets: [Int]
  /// The digests that the file will have, all but those of the tensors; nil for a file without.
  let table: DigestTable?

  /// Lays the file out through libhdf5: datasets contiguous and allocated, closed only when the library
  /// proves that nothing stayed open.
  ///
  /// - Parameter path: what errors call the file.
  init(layingOut plan: FilePlan, named path: String) throws {
    var table = plan.digests.map { DigestTable($0, of: plan) }
    var plan = plan
    if let table { plan.datasets.append(table.dataset) }
    let tree = PlannedTree(plan)
    var offsets = [Int](repeating: 0, count: plan.datasets.count)
    image = try HDF5Image(
      named: path, userBlockByteCount: plan.contentOffset, objectCount: tree.objectCount
    ) { root in
      var forms = DatasetForms(file: path)
      try Self.layOut(tree, tree.root, in: root, of: plan, &forms, &offsets)
    }
    if table != nil {
      let start = plan.contentOffset
      let tableOffset = offsets.removeLast() - start
      table?.place(datasetsAt: offsets.map { max(0, $0 - start) }, tableAt: tableOffset)
      table?.takeStructure(of: image, contentAt: start)
    }
    self.table = table
    self.offsets = offsets
  }

  /// Bytes of the whole file.
  var byteCount: Int { image.byteCount + (table == nil ? 0 : EndMark.byteCount) }

  /// A group's attributes, its datasets, and the groups inside it: one branch after the other, so that
  /// libhdf5 finds what it needs in its cache.
  private static func layOut(
    _ tree: PlannedTree, _ node: PlannedTree.Node, in group: borrowing HDF5Group,
    of plan: FilePlan, _ forms: inout DatasetForms, _ offsets: inout [Int]
  ) throws {
    for (name, value) in node.attributes { try value.write(to: group.attributes, named: name) }
    for (index, name) in node.datasets {
      let value = plan.datasets[index].value
      // Keras 3 takes opaque elements for bfloat16 by this attribute alone.
      let attributes = value.dtype == .bfloat16 ? [("dtype", "bfloat16")] : []
      let offset = try group.createDataset(
        named: name, forms.form(of: value), attributes: attributes)
      // Nothing is allocated for a dataset without elements, and nothing will be written.
      guard let offset = offset ?? (value.byteCount == 0 ? 0 : nil) else {
        preconditionFailure(
          "\(plan.datasets[index].path) was created without a place for its bytes")
      }
      offsets[index] = offset
    }
    for child in node.groups {
      let inner = tree.nodes[child]
      let created = try group.createGroup(named: inner.name)
      try layOut(tree, inner, in: created, of: plan, &forms, &offsets)
    }
  }
}

/// One form for all datasets of a dtype and shape.
private struct DatasetForms {
  let file: String
  private var forms: [Key: DatasetForm] = [:]

  private struct Key: Hashable {
    let dtype: DType
    let shape: Shape
  }

  init(file: String) { self.file = file }

  mutating func form(of value: Tensor) throws(HDF5Error) -> DatasetForm {
    let key = Key(dtype: value.dtype, shape: value.shape)
    if let form = forms[key] { return form }
    let form = try DatasetForm(
      value.dtype.elementType, shape: value.shape.dimensions, file: file)
    forms[key] = form
    return form
  }
}

// MARK: - Attributes

extension AttributeValue {
  fileprivate func write(
    to attributes: borrowing HDF5Attributes, named name: String
  ) throws(HDF5Error) {
    switch self {
    case .ascii(let text): try attributes.setString(text, for: name, as: .variable(.ascii))
    case .utf8(let text): try attributes.setString(text, for: name, as: .variable(.utf8))
    case .asciiList(let texts): try attributes.setStrings(texts, for: name)
    case .fixedList(let texts, let width):
      let type = HDF5StringType.fixed(
        byteCount: width, padding: .nullPadded, characterSet: .ascii)
      try attributes.setStrings(texts, for: name, as: type)
    case .emptyList: try attributes.setDoubles([], for: name)
    case .integer(let number): try attributes.setInteger(number, for: name)
    }
  }
}
