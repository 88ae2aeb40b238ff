import CCeilings
import CairnKit
import Foundation

/// What digests cost: the digest alone, saves and loads with and without.
enum DigestBenchmarks {
  static func run() throws {
    algorithms()
    try files("16 x 64 MiB", layers: 16, inputs: 4096, units: 4096, repetitions: 7)
    try files("20,000 x 16 KiB", layers: 20_000, inputs: 64, units: 64, repetitions: 5)
  }

  /// Blocks of 1 MiB: all of 256 MiB, and the same one again and again.
  private static func algorithms() {
    let byteCount = 256 << 20
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { memory.deallocate() }
    memset(memory.baseAddress!, 1, byteCount)
    let count = byteCount / 4
    func digest(_ name: String, _ algorithm: DigestAlgorithm, isCached: Bool) -> Variant {
      Variant(name: name, ceiling: "read memory") {
        for start in stride(from: 0, to: byteCount, by: 1 << 20) {
          let block = memory[isCached ? 0..<1 << 20 : start..<start + 1 << 20]
          precondition(!algorithm.digest(UnsafeRawBufferPointer(rebasing: block)).isEmpty)
        }
      }
    }
    printTable(
      "digests of 256 MiB in blocks of 1 MiB",
      measure(
        [
          Variant(name: "read memory") {
            var sum: Float = 0
            plain_sum(count, memory.baseAddress!.assumingMemoryBound(to: Float.self), &sum)
          },
          digest("CRC-32C, memory", .crc32c, isCached: false),
          digest("CRC-32C, cache", .crc32c, isCached: true),
          digest("SHA-256, cache", .sha256, isCached: true),
        ], repetitions: 7), elements: count, bytesPerElement: 4)
  }

  private static func files(
    _ title: String, layers: Int, inputs: Int, units: Int, repetitions: Int
  ) throws {
    let checkpoint = try CheckpointBenchmarks.checkpoint(
      layers: layers, inputs: inputs, units: units)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-benchmark-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let profile = Profile(dialect: .keras3, layout: .weights)
    let byteCount = checkpoint.variables.reduce(0) { $0 + $1.value.byteCount }

    func save(_ name: String, _ digests: DigestAlgorithm?) -> Variant {
      Variant(name: "save, \(name)", ceiling: "save, no digests") {
        do {
          try checkpoint.save(
            to: "\(folder)/\(name)", profile: profile, replacing: true, digests: digests)
        } catch { fatalError("\(error)") }
      }
    }
    func table(_ what: String, _ variants: [Variant]) {
      printTable(
        "\(title), \(what)", measure(variants, repetitions: repetitions), elements: layers,
        bytesPerElement: byteCount / layers)
    }
    table(
      "durable saves",
      [save("no digests", nil), save("CRC-32C", .crc32c), save("SHA-256", .sha256)])

    for isCold in [false, true] {
      let temperature = isCold ? "cold" : "warm"
      var memory = checkpoint
      func reading(
        _ name: String, _ file: String, _ read: @escaping (String) throws -> Void
      ) -> Variant {
        let path = "\(folder)/\(file)"
        var variant = Variant(name: name, ceiling: "load, not verified") {
          do { try read(path) } catch { fatalError("\(error)") }
        }
        if isCold { variant.prepare = { forget(path) } }
        return variant
      }
      func load(_ name: String, _ file: String, verifying: Bool) -> Variant {
        reading(name, file) {
          try CheckpointReader(opening: $0, verifying: verifying).load(into: &memory)
        }
      }
      table(
        "loads into touched memory, \(temperature)",
        [
          load("load, not verified", "CRC-32C", verifying: false),
          load("load, CRC-32C", "CRC-32C", verifying: true),
          load("load, SHA-256", "SHA-256", verifying: true),
          reading("verify, CRC-32C", "CRC-32C") {
            let report = try CheckpointReader.verify($0)
            precondition(report.isWhole)
          },
        ])
    }
  }

  /// Takes a file out of the operating system's memory.
  private static func forget(_ path: String) {
    let descriptor = open(path, O_RDONLY)
    precondition(descriptor >= 0)
    #if os(Linux)
      precondition(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    #endif
    close(descriptor)
  }
}
