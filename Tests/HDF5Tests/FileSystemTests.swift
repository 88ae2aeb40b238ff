import Foundation
import HDF5
import Testing

@Suite("Locks and full disks")
struct FileSystemTests {
  @Test("a lock of another program does not stop reading, but stops an update")
  func lockedFile() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try copy(fixture("layouts.h5"), to: path)
      let descriptor = open(path, O_RDWR | O_CLOEXEC)
      #expect(flock(descriptor, LOCK_EX) == 0)
      let file = try HDF5File.open(path)
      try file.close()
      let error = hdf5Error { _ = try HDF5File.openForUpdate(path) }
      #expect(error?.kind == .inUse)
      #expect(error?.message.hasPrefix("the file is open elsewhere: unable to lock file") == true)
      // Unlocked, not only closed: a process that another test starts meanwhile has the descriptor, too.
      try HDF5File.openForUpdate(path, isLocked: false).close()
      #expect(flock(descriptor, LOCK_UN) == 0)
      close(descriptor)
      try HDF5File.openForUpdate(path).close()
    }
  }

  /// Lets this process write no file beyond `byteCount`, as if the disk were full there.
  private static func limitFiles(to byteCount: UInt) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: byteCount, rlim_max: byteCount)
    precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
  }

  @Test("data that find no room are an error of the write", arguments: [10, 1 << 20])
  func noRoomForData(count: Int) async {
    await #expect(processExitsWith: .success) { [count] in
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("values", .uint8, shape: [count])
        Self.limitFiles(to: 2048)
        let error = hdf5Error { try dataset.write([UInt8](repeating: 1, count: count)) }
        precondition(error?.kind == .library && error?.operation == "H5Dwrite", "\(error!)")
        precondition(error?.message.contains("File too large") == true, "\(error!)")
      }
    }
  }

  @Test("structure that finds no room is an error of the close")
  func noRoomForStructure() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let path = directory.path("a.h5")
      let file = try HDF5File.create(path)
      do {
        let root = try file.root()
        for index in 0..<20 { _ = try root.createGroup("layers/\(index)") }
      }
      Self.limitFiles(to: 4096)
      do throws(HDF5Error) {
        try file.close()
        preconditionFailure("the close of an incomplete file succeeded")
      } catch {
        precondition(error.kind == .library && error.operation == "H5Fflush", "\(error)")
        precondition(error.message.contains("File too large"), "\(error)")
      }
    }
  }
}
