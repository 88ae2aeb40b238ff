/// The Merkle Tree Hash of RFC 6962, section 2.1, over SHA-256, of leaves given one by one.
///
/// A leaf is `SHA-256(0x00, data)`, an inner node `SHA-256(0x01, left, right)`; of n leaves the left
/// subtree has as many as the largest power of two below n; the tree without leaves is `SHA-256()`.
/// Leaves and inner nodes begin differently, so that none can be taken for the other.
struct MerkleTree: ~Copyable {
  /// The roots of the complete subtrees so far, larger ones first, one behind the other: one for each bit
  /// of `count`.
  private var subtrees: [UInt8] = []
  private var count = 0
  private var hash = SHA256()

  mutating func append(_ pieces: UnsafeRawBufferPointer...) {
    hash.update(byte: 0)
    for piece in pieces { hash.update(piece) }
    hash.appendDigest(to: &subtrees)
    count += 1
    // As many subtrees are complete now as the count has zeros at its end.
    for _ in 0..<count.trailingZeroBitCount { joinLastTwo() }
  }

  private mutating func joinLastTwo() {
    let start = subtrees.count - 2 * SHA256.byteCount
    hash.update(byte: 1)
    subtrees.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    subtrees.removeSubrange(start...)
    hash.appendDigest(to: &subtrees)
  }

  /// The root, 32 bytes. Begins anew afterwards.
  mutating func root() -> [UInt8] {
    while subtrees.count > SHA256.byteCount { joinLastTwo() }
    if count == 0 { hash.appendDigest(to: &subtrees) }
    count = 0
    let root = subtrees
    subtrees = []
    return root
  }
}

extension SHA256 {
  fileprivate mutating func update(byte: UInt8) {
    withUnsafeBytes(of: byte) { update($0) }
  }
}
