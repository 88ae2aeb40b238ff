import HDF5
import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension CheckpointReader {
  /// Writes a copy of `target` whose tensors are those of this checkpoint wherever `plan` says so.
  ///
  /// Everything else of the target, known or not, is kept byte for byte. The inputs are not touched;
  /// the output comes into being whole or not at all.
  ///
  /// - Parameter isDryRun: makes every check that needs no writing, and stops there.
  /// - Throws: `refused`, with the report, when something selected is missing, unused or mismatched.
  public func restore(
    _ plan: RestorePlan, into target: borrowing CheckpointReader, writing output: String,
    replacing: Bool = false, isDryRun: Bool = false
  ) throws(CheckpointError) {
    guard plan.report.isComplete else {
      throw CheckpointError(
        .refused, "cannot restore", path: path, problem: plan.report.summary,
        cure: "choose what to take with --only, or see the whole list with --dry-run",
        report: plan.report)
    }
    guard !plan.assignments.isEmpty else {
      throw CheckpointError(
        .refused, "cannot restore", path: path, problem: "nothing is selected",
        cure: "checkpoint-inspect show lists the names", report: plan.report)
    }
    for input in [path, target.path] where FileIdentity(input) == FileIdentity(output) {
      throw CheckpointError(
        .outputExists, "cannot write", path: output, problem: "it is one of the inputs",
        cure: "choose another name")
    }
    if isDryRun { return }
    let pending = PendingFile(for: output)
    do {
      try FileCopy.copy(target.path, to: pending.temporaryPath)
      try patch(plan, target, at: pending.temporaryPath)
      try target.renewChecksum(in: pending.temporaryPath)
      try pending.commit(replacing: replacing)
    } catch {
      throw CheckpointError.saving(output, error)
    }
  }

  /// Puts the source's tensors into the copy: at their place in the file where they lie there as they
  /// are, through libhdf5 where they are filtered or in another byte order.
  private func patch(
    _ plan: RestorePlan, _ target: borrowing CheckpointReader, at copy: String
  ) throws {
    let descriptor = try retryingInterrupted("open") { open(copy, O_WRONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    var others: [(CheckpointEntry, Tensor)] = []
    for assignment in plan.assignments {
      let dtype = try assignment.target.requireDType(path: target.path)
      let tensor = try read(assignment.source).converted(to: dtype)
      guard let offset = try target.byteOffset(of: assignment.target) else {
        others.append((assignment.target, tensor))
        continue
      }
      let code = tensor.withUnsafeBytes {
        FileSkeleton.writeAll($0, to: descriptor, at: offset)
      }
      if code != 0 { throw SystemCallError("pwrite", code: code) }
    }
    guard !others.isEmpty else { return }
    guard target.manifest.layout != .archive else {
      throw CheckpointError(
        .unsupported, "cannot restore into", path: target.path, object: others[0].0.datasetPath,
        problem: "the tensor is compressed or in another byte order inside an archive",
        cure: "save the archive anew with Keras first")
    }
    let file = try HDF5File.openForUpdate(copy)
    do {
      let root = try file.root()
      for (entry, tensor) in others {
        let dataset = try root.openDataset(entry.datasetPath)
        try tensor.withUnsafeBytes { try dataset.write(from: $0, as: tensor.dtype.elementType) }
      }
    }
    try file.close()
  }
}

extension CheckpointReader {
  /// In an archive the checksum of the weights must follow their bytes.
  fileprivate func renewChecksum(in copy: String) throws {
    guard manifest.layout == .archive else { return }
    guard let member = try ZipArchive(reading: path)[ArchiveLayout.weightsMember],
      let offsets = member.checksumOffsets
    else {
      throw CheckpointError(
        .unsupported, "cannot restore into", path: path,
        problem: "its checksums stand behind the data, as in archives that were written to a pipe",
        cure: "zip it again into a file")
    }
    try ZipArchive.renewChecksum(of: member, checksumOffsets: offsets, in: copy)
  }
}

/// Which file a path leads to, whatever it is called.
private struct FileIdentity: Equatable {
  private let device: UInt64
  private let inode: UInt64

  /// Nil when there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

private enum FileCopy {
  /// Copies the bytes of a file to a new one.
  static func copy(_ source: String, to destination: String) throws(SystemCallError) {
    let input = try retryingInterrupted("open") { open(source, O_RDONLY | O_CLOEXEC) }
    defer { close(input) }
    let output = try retryingInterrupted("open") {
      open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
    defer { close(output) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count = try retryingInterrupted("read") { read(input, buffer.baseAddress!, buffer.count) }
      if count == 0 { return }
      let code = FileSkeleton.writeAll(
        UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: output, at: offset)
      if code != 0 { throw SystemCallError("pwrite", code: code) }
      offset += count
    }
  }
}
