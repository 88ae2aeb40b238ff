import HDF5
package import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads everything in the HDF5 content of a damaged file, one object after the other, and says before each
/// one which it is.
///
/// It runs in a process of its own (``SupervisedWalk``): libhdf5 1.10.8 crashes on some damaged files.
package struct ObjectWalk {
  private let path: String
  private let window: Range<Int>
  private let skipped: Set<String>
  /// Where elements go that do not lie in the file as they are in memory.
  private let spoolFolder: String?
  private let emit: (JSONValue) -> Void
  private var addresses: Set<Int> = []
  private var spooledCount = 0
  private var objectCount = 0

  private static let maximumDepth = 64
  private static let maximumObjectCount = 1_000_000

  /// - Parameters:
  ///   - path: the file.
  ///   - window: where in it the HDF5 content lies.
  ///   - skipped: paths of objects that are not to be touched.
  ///   - emit: gets one object for each thing that was found.
  package init(
    _ path: String, window: Range<Int>, skipping skipped: Set<String>, spoolFolder: String?,
    emit: @escaping (JSONValue) -> Void
  ) {
    self.path = path
    self.window = window
    self.skipped = skipped
    self.spoolFolder = spoolFolder
    self.emit = emit
  }

  /// Walks from the root on.
  package mutating func run() {
    emit(["at": "/"])
    do {
      let file = try HDF5File.open(path, window: window)
      try walk(file.root(), "/", depth: 0)
    } catch {
      emit(FoundObject(path: "/", kind: .unreadable(Self.words(error))).json)
    }
    emit(["done": true])
  }

  private mutating func walk(
    _ group: borrowing HDF5Group, _ path: String, depth: Int
  ) throws {
    var found = FoundObject(path: path, kind: .group)
    Self.readAttributes(group.attributes, into: &found)
    let isNew = try addresses.insert(group.objectAddress()).inserted
    guard isNew, depth < Self.maximumDepth else {
      found.kind = .unreadable("it leads back to a group that contains it")
      emit(found.json)
      return
    }
    let names: [String]
    do {
      names = try group.memberNames()
    } catch {
      found.lostAttributes.append(("(members)", Self.words(error)))
      emit(found.json)
      return
    }
    emit(found.json)
    for name in names {
      objectCount += 1
      guard objectCount <= Self.maximumObjectCount else { return }
      let member = path == "/" ? "/\(name)" : "\(path)/\(name)"
      if skipped.contains(member) { continue }
      emit(["at": .string(member)])
      do {
        try visit(name, of: group, member, depth: depth)
      } catch {
        emit(FoundObject(path: member, kind: .unreadable(Self.words(error))).json)
      }
    }
  }

  private mutating func visit(
    _ name: String, of group: borrowing HDF5Group, _ path: String, depth: Int
  ) throws {
    do {
      try read(group.openDataset(name), path)
      return
    } catch let error as HDF5Error where error.kind == .wrongKind {}
    try walk(group.openGroup(name), path, depth: depth + 1)
  }

  private static func words(_ error: any Error) -> String {
    (error as? HDF5Error)?.message ?? "\(error)"
  }
}

// MARK: - Datasets

extension ObjectWalk {
  private mutating func read(_ dataset: borrowing HDF5Dataset, _ path: String) throws {
    guard let dtype = DType(dataset.elementType), let shape = Shape(validating: dataset.shape)
    else {
      let reason = "elements of type \(dataset.elementType), which no tensor has"
      emit(FoundObject(path: path, kind: .unreadable(reason)).json)
      return
    }
    let isSpooled = dataset.byteOffset == nil
    // A file may claim any number of elements that it does not hold.
    guard !isSpooled || dataset.byteCount <= max(1 << 20, 1032 * window.count) else {
      let reason = "it claims \(dataset.byteCount) bytes, more than the file can hold"
      emit(FoundObject(path: path, kind: .unreadable(reason)).json)
      return
    }
    var signs = TensorSigns()
    let spool = try isSpooled ? spoolFolder.map { try SpoolFile("\($0)/\(spooledCount)") } : nil
    let spoolNumber = spool == nil ? nil : spooledCount
    if spool != nil { spooledCount += 1 }
    let entry = CheckpointEntry(
      name: path, role: .other, datasetPath: path, shape: shape, dtype: dtype, storedType: "",
      byteCount: dataset.byteCount)
    var position = 0
    for rows in entry.slabs(ofAtMost: 1 << 20) where dataset.byteCount > 0 {
      let part = shape.rank == 0 ? [] : Shape([rows.count] + shape.dimensions.dropFirst())
      let tensor = try Tensor(shape: part, dtype: dtype) { bytes in
        if shape.rank == 0 {
          try dataset.read(into: bytes, as: dtype.elementType)
        } else {
          try dataset.readRows(rows, into: bytes, as: dtype.elementType)
        }
      }
      signs.update(tensor, at: (dataset.byteOffset ?? 0) + position)
      try spool?.write(tensor, at: position)
      position += tensor.byteCount
      emit(["read": JSONValue(position)])
    }
    let offset = dataset.byteOffset.map { $0 - window.lowerBound }
    var found = FoundObject(
      path: path,
      kind: .dataset(
        FoundDataset(
          shape: shape, dtype: dtype, offset: offset, spoolNumber: spoolNumber, signs: signs)))
    Self.readAttributes(dataset.attributes, into: &found)
    emit(found.json)
  }
}

// MARK: - Attributes

extension ObjectWalk {
  private static func readAttributes(
    _ attributes: borrowing HDF5Attributes, into found: inout FoundObject
  ) {
    let names: [String]
    do throws(HDF5Error) {
      names = try attributes.names()
    } catch {
      found.lostAttributes.append(("(all)", error.message))
      return
    }
    for name in names {
      do throws(HDF5Error) {
        if let value = try read(name, of: attributes) {
          found.attributes.append((name, value))
        } else {
          let type = try attributes.info(name).elementType
          found.lostAttributes.append((name, "elements of type \(type)"))
        }
      } catch {
        found.lostAttributes.append((name, error.message))
      }
    }
  }

  /// Nil for a value that no plan of a file holds.
  private static func read(
    _ name: String, of attributes: borrowing HDF5Attributes
  ) throws(HDF5Error) -> AttributeValue? {
    let info = try attributes.info(name)
    switch info.elementType {
    case .string(.variable(let characters)) where info.shape.isEmpty:
      let text = try attributes.string(name)
      return characters == .utf8 ? .utf8(text) : .ascii(text)
    case .string(.fixed) where info.shape.isEmpty: return .ascii(try attributes.string(name))
    case .string(.variable) where info.shape.count == 1:
      return .asciiList(try attributes.strings(name))
    case .string(.fixed(let width, _, _)) where info.shape.count == 1:
      return .fixedList(try attributes.strings(name), width: width)
    case .float64 where info.elementCount == 0: return .emptyList
    case .int64 where info.shape.isEmpty: return .integer(try attributes.integer(name))
    default: return nil
    }
  }
}

/// A file that takes the elements of a dataset.
///
/// A class, because a noncopyable value cannot be optional in a loop.
private final class SpoolFile {
  private let descriptor: Int32

  init(_ path: String) throws(SystemCallError) {
    descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }
  }

  deinit { close(descriptor) }

  func write(_ tensor: Tensor, at offset: Int) throws(SystemCallError) {
    let code = tensor.withUnsafeBytes { FileSkeleton.writeAll($0, to: descriptor, at: offset) }
    if code != 0 { throw SystemCallError("pwrite", code: code) }
  }
}
