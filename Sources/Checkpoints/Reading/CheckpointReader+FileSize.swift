extension CheckpointReader {
  /// Bytes of the files with the tensors of a checkpoint that need not be whole; 0 of what cannot be read.
  package static func fileByteCount(of path: String) -> Int {
    do {
      let files = try Set(LocatedCheckpoint(path).contents.map(\.path))
      return try (files.isEmpty ? [path] : files).reduce(0) { try $0 + ReadableFile($1).byteCount }
    } catch {
      // What is wrong with it is told by whoever opens it.
      return 0
    }
  }
}
