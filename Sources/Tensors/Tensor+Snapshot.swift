extension Tensor {
  /// The elements as they are now, for somebody who will read them while this tensor goes on changing.
  ///
  /// Any copy stays as it was; but beside a plain copy the first update of a few rows copies the whole
  /// table. Beside a snapshot it keeps what those rows held, and goes on in place. An update of every
  /// element writes to other memory, as it does beside a copy.
  ///
  /// A snapshot is a tensor like any other, but made to be read once, in pieces
  /// (`withBytes(in:scratch:_:)`): whoever asks for all its bytes at once may cause them to be copied. It
  /// lasts until it is dropped; until then, or until its bytes were given up (`discardBytes(in:)`),
  /// updates of rows take longer. Constant in time, apart from small tensors, which are copied.
  public func snapshot() -> Tensor {
    Tensor(shape: shape, dtype: dtype, storage: storageForReading.snapshot())
  }

  /// Whether this is a snapshot of another tensor, to be read in pieces.
  package var isSnapshot: Bool { storageForReading.isSnapshot }

  /// Whether `withBytes(in:scratch:_:)` needs its scratch, at present.
  var isCopiedWhenRead: Bool { storageForReading.isCopiedWhenRead }

  /// Some of the bytes, row-major.
  ///
  /// - Parameters:
  ///   - range: which, in bytes.
  ///   - scratch: where the bytes of a snapshot are copied to, if its original may still change; at least
  ///     as many. It is not touched otherwise.
  package func withBytes<Result, E: Error>(
    in range: Range<Int>, scratch: UnsafeMutableRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(E) -> Result
  ) throws(E) -> Result {
    let storage = storageForReading
    defer { withExtendedLifetime(storage) {} }
    return try body(storage.bytes(range, scratch: scratch))
  }

  /// Gives up some bytes of a snapshot, each at most once: nobody will read them again, neither here nor
  /// through copies of this snapshot, so that the original need not keep them. Reading them traps. Does
  /// nothing to a tensor that is no snapshot.
  package func discardBytes(in range: Range<Int>) { storageForReading.discard(range) }
}
