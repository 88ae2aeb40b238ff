import Dispatch
import HDF5
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file laid out from a plan: every group, attribute and dataset is there, the tensors' bytes are not
/// yet.
struct FileSkeleton {
  /// Where the bytes of each dataset of the plan begin.
  private let offsets: [Int]
  /// The digests that the file will have, with their place and the tensors'; nil without.
  private let table: DigestTable?
  private let plan: FilePlan
  private let path: String

  /// Creates the file through libhdf5: datasets contiguous and allocated, without time stamps, closed
  /// only when the library proves that nothing stayed open.
  init(layingOut plan: FilePlan, at path: String) throws(HDF5Error) {
    let file = try HDF5File.create(path, userBlockByteCount: plan.contentOffset)
    var offsets: [Int] = []
    var table = plan.digests.map { DigestTable($0, of: plan) }
    var tableOffset = 0
    do {
      let root = try file.root()
      for group in plan.groups {
        if group.path.isEmpty {
          try Self.write(group.attributes, to: root.attributes)
        } else {
          let created = try root.createGroup(group.path)
          try Self.write(group.attributes, to: created.attributes)
        }
      }
      for dataset in plan.datasets {
        let created = try root.createDataset(
          dataset.path, dataset.value.dtype.elementType, shape: dataset.value.shape.dimensions)
        // Nothing is allocated for a dataset without elements, and nothing will be written.
        guard let offset = created.byteOffset ?? (created.byteCount == 0 ? 0 : nil) else {
          preconditionFailure("\(created.path) was created without a place for its bytes")
        }
        offsets.append(offset)
      }
      if let table {
        let created = try root.createDataset(DigestTable.path, .uint8, shape: [table.byteCount])
        tableOffset = created.byteOffset!
      }
    }
    try file.close()
    table?.place(
      datasetsAt: offsets.map { $0 - plan.contentOffset },
      tableAt: tableOffset - plan.contentOffset)
    self.table = table
    self.offsets = offsets
    self.plan = plan
    self.path = path
  }
}

// MARK: - Wrapping

extension FileSkeleton {
  /// Adds what stands around the HDF5 content; the last thing before the commit.
  func wrap() throws(SystemCallError) {
    if case .archive(let documents) = plan.wrapping {
      try ZipArchive.wrap(
        path, contentAt: ArchiveLayout.weightsOffset, as: ArchiveLayout.weightsMember,
        documents: documents)
    }
  }
}

// MARK: - Attributes

extension FileSkeleton {
  private static func write(
    _ list: [(name: String, value: AttributeValue)], to attributes: borrowing HDF5Attributes
  ) throws(HDF5Error) {
    for (name, value) in list {
      switch value {
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
}

// MARK: - Filling

extension FileSkeleton {
  /// Bytes that one thread writes before it takes the next piece.
  private static let pieceByteCount = 8 * DigestTable.blockByteCount

  /// Writes the tensors' bytes where the datasets lie, outside of libhdf5 and from several threads.
  func fill(threadCount: Int) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, O_WRONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    let digester = try table.map { (table) throws(SystemCallError) in
      try BlockDigester(table, ofFile: path, contentAt: plan.contentOffset)
    }
    let pieces = pieces()
    let failures = FirstFailure()
    let writers = max(1, min(threadCount, pieces.count))
    DispatchQueue.concurrentPerform(iterations: writers) { writer in
      for index in stride(from: writer, to: pieces.count, by: writers) {
        if failures.code != 0 { return }
        let piece = pieces[index]
        let code = plan.datasets[piece.dataset].value.withUnsafeBytes { bytes in
          let bytes = UnsafeRawBufferPointer(rebasing: bytes[piece.range])
          digester?.add(bytes, of: piece.dataset, at: piece.range.lowerBound)
          return Self.writeAll(
            bytes, to: descriptor, at: offsets[piece.dataset] + piece.range.lowerBound)
        }
        if code != 0 { failures.record(code) }
      }
    }
    if failures.code != 0 { throw SystemCallError("pwrite", code: failures.code) }
    try digester?.finish()
  }

  private func pieces() -> [(dataset: Int, range: Range<Int>)] {
    plan.datasets.indices.flatMap { dataset in
      let byteCount = plan.datasets[dataset].value.byteCount
      return stride(from: 0, to: byteCount, by: Self.pieceByteCount).map {
        (dataset, $0..<min($0 + Self.pieceByteCount, byteCount))
      }
    }
  }

  /// Returns 0, or the `errno` of the call that failed.
  static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int
  ) -> Int32 {
    var written = 0
    while written < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
      if count > 0 {
        written += count
      } else if count == 0 {
        return ENOSPC  // nothing taken, nothing reported: no room
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}

/// The first failure among several threads.
///
/// A class because the threads share it; Sendable because every access holds the lock.
private final class FirstFailure: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var value: Int32 = 0

  var code: Int32 {
    lock.wait()
    defer { lock.signal() }
    return value
  }

  func record(_ code: Int32) {
    lock.wait()
    defer { lock.signal() }
    if value == 0 { value = code }
  }
}
