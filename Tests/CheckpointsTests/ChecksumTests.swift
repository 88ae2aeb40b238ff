import Foundation
import Tensors
import Testing

@testable import Checkpoints

@Suite("Checksums and trees") struct ChecksumTests {
  /// RFC 3720, appendix B.4.
  static let vectors: [(bytes: [UInt8], crc: UInt32)] = [
    ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
    ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
    (Array(0..<32), 0x46dd_794e),
    (Array((0..<32).reversed()), 0x113f_db5c),
    (
      [
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0,
        0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
      ], 0xd996_3a56
    ),
    (Array("123456789".utf8), 0xe306_9283), ([], 0),
  ]

  @Test("CRC-32C is that of RFC 3720", arguments: vectors.indices)
  func standard(index: Int) {
    let (bytes, crc) = Self.vectors[index]
    bytes.withUnsafeBytes {
      #expect(CRC32C.checksum(of: $0) == crc)
      #expect(CRC32C.portableChecksum(of: $0) == crc)
    }
  }

  /// Bytes without a pattern, the same in every run.
  private static func bytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 88_172_645_463_325_252
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state)
    }
  }

  @Test("the processor's instruction and the tables agree for every length and alignment")
  func kernels() {
    let bytes = Self.bytes(40_000)
    bytes.withUnsafeBytes { all in
      let lengths = Array(0..<1700) + stride(from: 1700, to: 39_900, by: 611)
      for (turn, length) in lengths.enumerated() {
        let start = turn % 17
        let part = UnsafeRawBufferPointer(rebasing: all[start..<start + length])
        #expect(
          CRC32C.checksum(of: part, continuing: UInt32(turn))
            == CRC32C.portableChecksum(of: part, continuing: UInt32(turn)), "\(length)")
      }
    }
  }

  @Test("a checksum in pieces is that of the whole, wherever it is cut")
  func pieces() {
    let bytes = Self.bytes(30_000)
    bytes.withUnsafeBytes { all in
      let whole = CRC32C.checksum(of: all)
      for cut in stride(from: 0, through: 30_000, by: 331) {
        let head = CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: all[..<cut]))
        let tail = UnsafeRawBufferPointer(rebasing: all[cut...])
        #expect(CRC32C.checksum(of: tail, continuing: head) == whole)
      }
    }
  }

  /// The leaves and roots of the reference implementation of RFC 6962 (Certificate Transparency).
  @Test(
    "Merkle roots are those of RFC 6962",
    arguments: [
      (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
      (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
      (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
      (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
      (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
      (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
      (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
      (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ])
  func tree(count: Int, root: String) {
    let leaves: [[UInt8]] = [
      [], [0], [0x10], [0x20, 0x21], [0x30, 0x31], Array(0x40..<0x44), Array(0x50..<0x58),
      Array(0x60..<0x70),
    ]
    var tree = MerkleTree()
    // Twice, since a tree begins anew after its root.
    for _ in 0..<2 {
      for leaf in leaves.prefix(count) { leaf.withUnsafeBytes { tree.append($0) } }
      #expect(tree.root().hexadecimal == root)
    }
  }

  /// Places as a file might have them.
  private func place(_ table: inout DigestTable) {
    table.place(datasetsAt: [4096, 0, 100], tableAt: 200)
    table.contentByteCount = 8 << 20
  }

  /// Of the first version, and of the second, which has an outline.
  private var tables: [DigestTable] {
    var first = DigestTable(
      .crc32c, datasets: [("/a", 3 << 20), ("/b", 0), ("/c/d", 5)],
      documents: [("config.json", Array("{}".utf8))])
    place(&first)
    var plan = FilePlan(digests: .crc32c)
    plan.groups = [.init(path: "e/f")]
    plan.datasets = [
      .init(path: "a", value: Tensor(zeros: [3, 256, 1024], dtype: .float32)),
      .init(path: "b", value: Tensor(zeros: [0], dtype: .bfloat16)),
      .init(path: "c/d", value: Tensor(zeros: [5], dtype: .bool)),
    ]
    plan.wrapping = .archive([("config.json", Array("{}".utf8))])
    var second = DigestTable(.crc32c, of: plan)
    place(&second)
    second.setOutlinedStructure([1, 2, 3, 4])
    return [first, second]
  }

  @Test(
    "a table is what it was after encoding, and with any bit turned none at all", arguments: [0, 1])
  func coding(version: Int) throws {
    let table = tables[version]
    let bytes = table.bytes
    #expect(bytes.count == table.byteCount && (table.outline == nil) == (version == 0))
    let decoded = try DigestTable(decoding: bytes)
    #expect(decoded.records == table.records && decoded.digests == table.digests)
    #expect(decoded.digestCount == 6 && decoded.outline == table.outline)
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << (bit % 8)
      #expect(throws: DigestTable.Problem.self) { _ = try DigestTable(decoding: damaged) }
    }
    for count in 0..<bytes.count {
      #expect(throws: DigestTable.Problem.self) {
        _ = try DigestTable(decoding: Array(bytes.prefix(count)))
      }
    }
  }
}
