/// Memory that was used and will be used again: so that an update beside a snapshot, which writes its
/// new values to another place, finds a place whose pages exist already.
///
/// A tensor whose old bytes a snapshot holds gets its new bytes from the pool; the old ones come to the
/// pool when the last snapshot lets go of them, and serve the next time. Of each size the pool keeps at
/// most as many pieces as are in use with its tensors: so the live state, the state that a save writes and
/// the pool together are twice the state, and when the tensors are gone the pool is empty.
///
/// A class because tensors give back to it; Sendable, with a lock inside, because a snapshot may end on
/// any thread.
public final class StoragePool: Sendable {
  /// The most bytes that the pool keeps unused; nil for as many as are in use.
  public let byteLimit: Int?
  private let state = Locked(State())

  /// Below this size memory is cheaper to get than to keep.
  static let minimumByteCount = 16 << 10

  private struct State {
    var sizes: [Int: Size] = [:]
    var idleByteCount = 0
  }

  /// The pieces of one size.
  private struct Size {
    var idle: [Piece] = []
    var usedCount = 0
  }

  /// Sendable because nobody else knows a piece that is idle.
  private struct Piece: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
  }

  public init(byteLimit: Int? = nil) { self.byteLimit = byteLimit }

  deinit {
    state.withLock { state in
      for size in state.sizes.values { for piece in size.idle { piece.base.deallocate() } }
    }
  }

  /// Bytes that wait to be used.
  public var idleByteCount: Int { state.withLock { $0.idleByteCount } }
}

// MARK: - Warming

extension StoragePool {
  /// Gets, and touches, as much memory as one update of all `tensors` beside a snapshot needs, as far as
  /// the limit allows: the first such update is then as fast as any later one.
  public func warm(for tensors: some Sequence<Tensor>) {
    for tensor in tensors {
      let byteCount = tensor.byteCount
      guard byteCount >= Self.minimumByteCount else { continue }
      tensor.join(self)
      guard hasRoom(byteCount) else { continue }
      let base = TensorMemory.allocate(byteCount: byteCount)
      base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      keep(base, byteCount: byteCount)
    }
  }

  private func hasRoom(_ byteCount: Int) -> Bool {
    state.withLock { hasRoom(byteCount, in: $0) }
  }

  private func hasRoom(_ byteCount: Int, in state: State) -> Bool {
    let size = state.sizes[byteCount] ?? Size()
    return size.idle.count < size.usedCount
      && state.idleByteCount + byteCount <= byteLimit ?? .max
  }
}

// MARK: - Giving and taking

extension StoragePool {
  /// Memory of this size, uninitialized.
  func memory(byteCount: Int) -> TensorMemory {
    guard byteCount >= Self.minimumByteCount else { return TensorMemory(byteCount: byteCount) }
    let piece = state.withLock { state in
      state.sizes[byteCount, default: Size()].usedCount += 1
      let piece = state.sizes[byteCount]?.idle.popLast()
      if piece != nil { state.idleByteCount -= byteCount }
      return piece
    }
    return TensorMemory(
      piece?.base ?? TensorMemory.allocate(byteCount: byteCount), byteCount: byteCount, of: self)
  }

  /// Will get this memory in the end, unless another pool does.
  func adopt(_ memory: TensorMemory) {
    guard memory.byteCount >= Self.minimumByteCount, memory.join(self) else { return }
    state.withLock { $0.sizes[memory.byteCount, default: Size()].usedCount += 1 }
  }

  /// Takes back bytes that nobody uses any more.
  func take(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    state.withLock { $0.sizes[byteCount, default: Size()].usedCount -= 1 }
    keep(base, byteCount: byteCount)
  }

  /// Keeps bytes for later, or frees them and others of their size for which there is no use.
  private func keep(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    let piece = Piece(base: base)
    let superfluous = state.withLock { state in
      var superfluous: [Piece] = []
      if hasRoom(byteCount, in: state) {
        state.sizes[byteCount, default: Size()].idle.append(piece)
        state.idleByteCount += byteCount
      } else {
        superfluous.append(piece)
      }
      while let size = state.sizes[byteCount], size.idle.count > size.usedCount {
        superfluous.append(state.sizes[byteCount]!.idle.removeLast())
        state.idleByteCount -= byteCount
      }
      if let size = state.sizes[byteCount], size.usedCount == 0 { state.sizes[byteCount] = nil }
      return superfluous
    }
    for piece in superfluous { piece.base.deallocate() }
  }
}
