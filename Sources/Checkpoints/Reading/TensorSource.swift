import HDF5
package import Tensors

/// One tensor of an open checkpoint, read piece by piece from several threads.
///
/// Sendable: what lies in the file as it is in memory is read by the operating system alone; everything
/// else, through libhdf5 and so on, under a lock that the sources of one file share. The file stays open.
package final class TensorSource: @unchecked Sendable {
  package let entry: CheckpointEntry
  package let dtype: DType
  private let path: String
  private let storage: TensorStorage
  private let lock: FileLock
  /// Where the elements begin, and in which open file; nil for those that libhdf5 must read.
  private let place: (descriptor: Int32, offset: Int)?
  private let digests: TensorDigests?
  /// A tensor of an archive that cannot be read in pieces; under the lock.
  private var whole: Tensor?

  /// A class so that the sources of one file share it.
  final class FileLock: Sendable {
    private let state = Locked(())
    func withLock<Result>(_ body: () -> Result) -> Result { state.withLock { _ in body() } }
  }

  fileprivate init(
    _ entry: CheckpointEntry, in reader: borrowing CheckpointReader, lock: FileLock
  ) throws {
    self.entry = entry
    self.lock = lock
    path = reader.path
    storage = reader.storage
    dtype = try entry.requireDType(path: path)
    let descriptor = entry.byteOffset == nil ? nil : try storage.descriptor(of: entry)
    place = entry.byteOffset.map { (descriptor!, $0) }
    digests = try storage.file(of: entry)?.digests(of: entry)
  }

  /// Whether libhdf5 and such have no part in it.
  var isInPlace: Bool { place != nil }

  /// Whether pieces are compared with digests as they are read; they must be whole blocks then.
  var isVerified: Bool { digests != nil }

  /// Reads the elements at some positions, counted row-major.
  ///
  /// - Parameters:
  ///   - tensor: takes them; its memory is used again where it fits.
  ///   - verifying: whether they are compared with the digests of the file, if there are any.
  /// - Throws: `unreadable`, `damaged`.
  package func read(
    _ positions: Range<Int>, into tensor: inout Tensor, verifying: Bool = true
  ) throws(CheckpointError) {
    if tensor.dtype != dtype || tensor.elementCount != positions.count {
      tensor = Tensor(shape: [positions.count], dtype: dtype) { _ in }
    }
    do {
      if let place {
        let memory = tensor.storageForUpdate().new.bytes
        let part = ScatteredRead.Part(
          descriptor: place.descriptor,
          offset: place.offset + positions.lowerBound * dtype.byteCount, memory: memory)
        _ = try ScatteredRead.perform([part], threadCount: 1)
      } else {
        let result = lock.withLock {
          Result { try readThroughLibrary(positions, into: &tensor) }
        }
        try result.get()
      }
      if verifying, let digests {
        let position = positions.lowerBound * dtype.byteCount
        let damage = tensor.withUnsafeBytes { digests.damage(in: $0, from: position) }
        if let first = damage.first {
          throw CheckpointError.damaged(
            storage.file(of: entry)?.file.path ?? path, entry.name, first)
        }
      }
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  private func readThroughLibrary(_ positions: Range<Int>, into tensor: inout Tensor) throws {
    let bytes = tensor.storageForUpdate().new.bytes
    if case .plain(let tensors) = storage {
      let whole = try self.whole ?? tensors.read(entry, rows: nil)
      self.whole = whole
      let range = positions.lowerBound * dtype.byteCount..<positions.upperBound * dtype.byteCount
      whole.withUnsafeBytes {
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
      }
      return
    }
    guard let open = storage.file(of: entry) else {
      preconditionFailure("\(entry.datasetPath) is no entry of this checkpoint")
    }
    try open.file.root().openDataset(entry.datasetPath)
      .readElements(positions, into: bytes, as: dtype.elementType)
  }
}

extension CheckpointReader {
  /// The tensor of an entry, to be read in pieces.
  ///
  /// - Throws: `unsupported` for elements that no tensor has.
  func source(of entry: CheckpointEntry) throws(CheckpointError) -> TensorSource {
    try sources(of: [entry])[0]
  }

  /// The tensors of some entries, to be read from several threads while this is open.
  ///
  /// - Throws: `unsupported` for elements that no tensor has.
  package func sources(
    of entries: [CheckpointEntry]
  ) throws(CheckpointError) -> [TensorSource] {
    let lock = TensorSource.FileLock()
    do {
      return try entries.map { try TensorSource($0, in: self, lock: lock) }
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}
