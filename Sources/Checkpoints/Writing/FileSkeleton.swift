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
  /// - Parameters:
  ///   - table: that of the plan, see ``DigestTable/init(_:of:)``; nil for a file without.
  ///   - path: what errors call the file.
  ///   - place: is told the position in the plan of each dataset with elements, and where they begin, as soon
  ///     as that is known.
  init(
    layingOut plan: FilePlan, _ table: DigestTable?, named path: String,
    placing place: (_ index: Int, _ offset: Int) -> Void = { _, _ in }
  ) throws {
    var table = table
    var plan = plan
    if let table { plan.datasets.append(table.dataset) }
    let tree = PlannedTree(plan)
    var offsets = [Int](repeating: 0, count: plan.datasets.count)
    image = try HDF5Image(
      named: path, userBlockByteCount: plan.contentOffset, objectCount: tree.objectCount
    ) { root in
      var forms = try Forms(file: path)
      try Self.layOut(tree, tree.root, in: root, of: plan, &forms, &offsets, place)
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
    of plan: FilePlan, _ forms: inout Forms, _ offsets: inout [Int],
    _ place: (_ index: Int, _ offset: Int) -> Void
  ) throws {
    for attribute in node.attributes { try forms.write(attribute, to: group.attributes) }
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
      if value.byteCount > 0 { place(index, offset) }
    }
    for child in node.groups {
      let inner = tree.nodes[child]
      let created = try group.createGroup(named: inner.name, forms.group)
      try layOut(tree, inner, in: created, of: plan, &forms, &offsets, place)
    }
  }
}

/// What libhdf5 is told of everything that is alike, made once: one form for all groups, for all datasets of
/// a dtype and shape, for all texts.
private struct Forms {
  let group: GroupForm
  private let file: String
  private let ascii: TextForm
  private let utf8: TextForm
  private var datasets: [Key: DatasetForm] = [:]

  private struct Key: Hashable {
    let dtype: DType
    let shape: Shape
  }

  init(file: String) throws(HDF5Error) {
    self.file = file
    group = try GroupForm(file: file)
    ascii = try TextForm(.variable(.ascii), file: file)
    utf8 = try TextForm(.variable(.utf8), file: file)
  }

  mutating func form(of value: Tensor) throws(HDF5Error) -> DatasetForm {
    let key = Key(dtype: value.dtype, shape: value.shape)
    if let form = datasets[key] { return form }
    let form = try DatasetForm(
      value.dtype.elementType, shape: value.shape.dimensions, file: file)
    datasets[key] = form
    return form
  }

  func write(
    _ attribute: FilePlan.Attribute, to attributes: borrowing HDF5Attributes
  ) throws(HDF5Error) {
    let name = attribute.name
    switch attribute.value {
    case .ascii(let text): try attributes.createString(text, named: name, ascii)
    case .utf8(let text): try attributes.createString(text, named: name, utf8)
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
