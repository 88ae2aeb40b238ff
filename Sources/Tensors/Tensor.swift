#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A dense array of numbers: row-major, contiguous, 64-byte aligned, copy-on-write.
///
/// Copying a tensor copies no bytes; the first write to a shared one does. So `let snapshot = state`
/// costs nothing and stays as it was while training goes on.
public struct Tensor: Sendable {
  public let shape: Shape
  public let dtype: DType
  private var storage: TensorStorage

  /// All elements zero (false).
  public init(zeros shape: Shape, dtype: DType = .float32) {
    self.init(uninitialized: shape, dtype: dtype)
    storage.base.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
  }

  /// Elements as `initialize` leaves them; it gets the tensor's `byteCount` bytes, uninitialized,
  /// and must set each one.
  public init<E: Error>(
    shape: Shape, dtype: DType,
    initializingBytesWith initialize: (UnsafeMutableRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    self.init(uninitialized: shape, dtype: dtype)
    try initialize(storage.bytes)
  }

  /// Row-major elements. Traps unless there are exactly `shape.elementCount` of them.
  public init<Element: TensorElement>(_ elements: [Element], shape: Shape) {
    precondition(
      elements.count == shape.elementCount,
      "\(elements.count) elements do not fill a tensor of shape \(shape)")
    self.init(uninitialized: shape, dtype: Element.dtype)
    elements.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  /// A vector.
  public init<Element: TensorElement>(_ elements: [Element]) {
    self.init(elements, shape: [elements.count])
  }

  /// A tensor of rank 0.
  public init<Element: TensorElement>(scalar: Element) { self.init([scalar], shape: []) }

  /// Every element is `value` rounded to `dtype`.
  public init(repeating value: Double, shape: Shape, dtype: DType = .float32) {
    self.init(uninitialized: shape, dtype: dtype)
    func fill<Element: TensorElement>(_: Element.Type) {
      storage.bytes.bindMemory(to: Element.self)
        .update(repeating: Element(rounding: .floating(value)))
    }
    dtype.withElementType { fill($0) }
  }

  private init(uninitialized shape: Shape, dtype: DType) {
    let (byteCount, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.byteCount)
    precondition(!overflow, "a \(dtype) tensor of shape \(shape) exceeds the address space")
    self.shape = shape
    self.dtype = dtype
    storage = TensorStorage(byteCount: byteCount)
  }

  init(shape: Shape, dtype: DType, storage: TensorStorage) {
    self.shape = shape
    self.dtype = dtype
    self.storage = storage
  }
}

// MARK: - Size and shape

extension Tensor {
  public var elementCount: Int { shape.elementCount }

  /// Bytes that the elements take.
  public var byteCount: Int { storage.byteCount }

  /// The same elements, in the same order, under another shape; no bytes move. Traps unless the
  /// element counts agree.
  public func reshaped(to newShape: Shape) -> Tensor {
    precondition(
      newShape.elementCount == elementCount, "shape \(shape) cannot become \(newShape)")
    return Tensor(shape: newShape, dtype: dtype, storage: storage)
  }
}

// MARK: - Bytes and elements

extension Tensor {
  /// The elements' bytes, row-major, in the machine's byte order (little-endian wherever Cairn runs).
  public func withUnsafeBytes<Result, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> Result
  ) throws(E) -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(storage.bytes))
  }

  /// The bytes for writing; a shared storage is copied first.
  public mutating func withUnsafeMutableBytes<Result, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Result
  ) throws(E) -> Result {
    try body(storageForPartialUpdate().bytes)
  }

  /// The elements in place. Traps when `Element` is not the tensor's dtype.
  public func withElements<Element: TensorElement, Result, E: Error>(
    of _: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws(E) -> Result
  ) throws(E) -> Result {
    requireDType(Element.dtype)
    return try withUnsafeBytes { (bytes) throws(E) in
      try body(bytes.bindMemory(to: Element.self))
    }
  }

  /// The elements for writing; a shared storage is copied first. Traps when `Element` is not the
  /// tensor's dtype.
  public mutating func withMutableElements<Element: TensorElement, Result, E: Error>(
    of _: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws(E) -> Result
  ) throws(E) -> Result {
    requireDType(Element.dtype)
    return try withUnsafeMutableBytes { (bytes) throws(E) in
      try body(bytes.bindMemory(to: Element.self))
    }
  }

  /// A copy of the elements, row-major. Traps when `Element` is not the tensor's dtype.
  public func elements<Element: TensorElement>(of type: Element.Type) -> [Element] {
    withElements(of: type) { Array($0) }
  }

  private func requireDType(_ expected: DType) {
    precondition(dtype == expected, "a \(dtype) tensor was used as \(expected)")
  }
}

// MARK: - Updating in place, or beside a snapshot

extension Tensor {
  /// Whether nobody else can see what is written in place.
  private mutating func isExclusive() -> Bool {
    isKnownUniquelyReferenced(&storage) && !storage.hasSnapshots
  }

  /// The storages for an update that reads every old element and writes every new one.
  ///
  /// They are the same when nobody shares this tensor. When a copy or a snapshot does, `new` is another
  /// one, from `pool` if there is one, uninitialized; it already belongs to this tensor, and must be
  /// written whole: the update needs no copy beforehand. The caller keeps `old` alive until it has read it.
  package mutating func storageForUpdate(
    from pool: StoragePool? = nil
  ) -> (old: TensorStorage, new: TensorStorage) {
    if isExclusive() { return (storage, storage) }
    let old = storage
    storage = old.replacement(from: pool)
    return (old, storage)
  }

  /// The storage for an update of some elements in place; a shared one is copied first, to memory from
  /// `pool` if there is one.
  package mutating func storageForPartialUpdate(from pool: StoragePool? = nil) -> TensorStorage {
    if isExclusive() { return storage }
    let old = storage
    storage = old.replacement(from: pool)
    storage.base.copyMemory(from: old.base, byteCount: old.byteCount)
    return storage
  }

  /// The storage for an update in place of few elements, and the snapshots that must hear of each range of
  /// bytes before it is changed (``PreImages/preserve(_:)``). A storage that is shared otherwise is copied
  /// first, to memory from `pool` if there is one.
  package mutating func storageForRowUpdate(
    from pool: StoragePool? = nil
  ) -> (storage: TensorStorage, snapshots: [PreImages]) {
    if isKnownUniquelyReferenced(&storage), !storage.isSnapshot {
      return (storage, storage.snapshots)
    }
    return (storageForPartialUpdate(from: pool), [])
  }

  /// Lets the bytes go to `pool` when nobody needs them.
  func join(_ pool: StoragePool) { storage.join(pool) }

  /// The storage for reading. The caller keeps the tensor alive while it uses it.
  package var storageForReading: TensorStorage { storage }
}

// MARK: - Comparison

extension Tensor {
  /// Same shape, dtype and elements, bit for bit, where every NaN equals every NaN.
  public func isIdentical(to other: Tensor) -> Bool {
    guard shape == other.shape, dtype == other.dtype else { return false }
    if storage === other.storage || memcmp(storage.base, other.storage.base, byteCount) == 0 {
      return true
    }
    func compare<Element: TensorElement>(_: Element.Type) -> Bool {
      withElements(of: Element.self) { a in
        other.withElements(of: Element.self) { b in
          a.indices.allSatisfy { a[$0].isIdentical(to: b[$0]) }
        }
      }
    }
    return dtype.withElementType { compare($0) }
  }
}
