import CCeilings
import CairnKit
import Foundation

/// Saving and loading, against plain calls that move the same bytes.
enum CheckpointBenchmarks {
  /// 16 tensors of 64 MiB: a durable save against `write` and `fsync`, and a load against `read`.
  ///
  /// The first save of a process, and its first loads into fresh memory, take up to three times as long as
  /// later ones. All of that is time of the kernel: for 1 GiB 5.4 s in the first save on a busy machine,
  /// 1.0 s in the third, at less than 0.3 s and 0.1 s of the program's own; 1.8 s in the first load, 1.0 s in
  /// the second, both with some 600 faults, one for each huge page. It makes room for the file among what it
  /// keeps of others, and puts huge pages together and clears them, which later it finds done. A warm-up
  /// goes before the times that count; `load weights into` needs no fresh memory.
  static func large() throws {
    try compare("16 x 64 MiB", layers: 16, inputs: 4096, units: 4096, repetitions: 5)
  }

  /// 20,000 tensors of 16 KiB: what libhdf5's layout costs.
  static func many() throws {
    try compare("20,000 x 16 KiB", layers: 20_000, inputs: 64, units: 64, repetitions: 9)
  }

  private static func compare(
    _ title: String, layers: Int, inputs: Int, units: Int, repetitions: Int
  ) throws {
    let checkpoint = try checkpoint(layers: layers, inputs: inputs, units: units)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-benchmark-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tensors = checkpoint.variables.map(\.value)
    let byteCount = tensors.reduce(0) { $0 + $1.byteCount }
    let weights = Profile(dialect: .keras3, layout: .weights)
    let archive = Profile(dialect: .keras3, layout: .archive)

    func save(
      _ name: String, _ profile: Profile, _ title: String, ceiling: String = "write + fsync",
      reusing skeleton: KeptSkeleton? = nil
    ) -> Variant {
      Variant(name: title, ceiling: ceiling, prepare: settle) {
        do {
          try checkpoint.save(
            to: "\(folder)/\(name)", profile: profile, replacing: true, reusing: skeleton)
        } catch { fatalError("\(error)") }
      }
    }
    let writing = Variant(
      name: "write + fsync", prepare: settle,
      run: { write(tensors, to: "\(folder)/plain", durable: true) })
    // What libhdf5 needs to lay out many datasets; of a few large ones the elements take the time.
    let firstSaveCeiling =
      layers < 1000
      ? writing
      : Variant(name: "libhdf5's bare layout", prepare: settle) {
        precondition(lay_out_bare("\(folder)/bare", Int32(layers), inputs, units) != 0)
      }
    printTable(
      "\(title), durable saves of a plan that was saved before",
      measure(
        [
          Variant(
            name: "write", prepare: settle,
            run: { write(tensors, to: "\(folder)/plain", durable: false) }),
          writing,
          save("y.weights.h5", weights, "save weights, kept skeleton", reusing: KeptSkeleton()),
          save("y.keras", archive, "save archive, kept skeleton", reusing: KeptSkeleton()),
        ], repetitions: repetitions), elements: tensors.count,
      bytesPerElement: byteCount / tensors.count)
    printTable(
      "\(title), durable saves of a new plan",
      measure(
        [
          firstSaveCeiling,
          save("x.weights.h5", weights, "save weights", ceiling: firstSaveCeiling.name),
          save("x.keras", archive, "save archive", ceiling: firstSaveCeiling.name),
        ], repetitions: repetitions), elements: tensors.count,
      bytesPerElement: byteCount / tensors.count)

    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { buffer.deallocate() }
    memset(buffer.baseAddress!, 1, byteCount)
    func load(_ name: String, _ title: String) -> Variant {
      Variant(name: title, ceiling: "read, warm, into touched memory") {
        do {
          let loaded = try CheckpointReader(opening: "\(folder)/\(name)").load()
          precondition(loaded.variables.count == tensors.count)
        } catch { fatalError("\(error)") }
      }
    }
    var existing = checkpoint
    for index in existing.variables.indices {
      existing.variables[index].value.withUnsafeMutableBytes { $0[0] = 1 }
    }
    func restore(_ name: String, _ title: String) -> Variant {
      Variant(name: title, ceiling: "read, warm, into touched memory") {
        do {
          try CheckpointReader(opening: "\(folder)/\(name)").load(into: &existing)
        } catch { fatalError("\(error)") }
      }
    }
    printTable(
      "\(title), loads",
      measure(
        [
          Variant(name: "read, warm, into touched memory") {
            read("\(folder)/plain", into: buffer)
          },
          Variant(name: "read, warm, into fresh memory", ceiling: "read, warm, into touched memory")
          {
            let fresh = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
            read("\(folder)/plain", into: fresh)
            fresh.deallocate()
          },
          load("x.weights.h5", "load weights"), load("x.keras", "load archive"),
          restore("x.weights.h5", "load weights into"), restore("x.keras", "load archive into"),
        ], repetitions: repetitions), elements: tensors.count,
      bytesPerElement: byteCount / tensors.count)
  }

  /// Lets the disk do what the variant before left to it. Some file systems tell it behind the back of `sync`
  /// which room has become free.
  @Sendable private static func settle() {
    sync()
    usleep(300_000)
  }

  /// Writes a new file that takes the place of the old one, as whoever would not lose it must. A file that is
  /// written over gets the same places on the disk again, which a virtual disk gives faster than others.
  private static func write(_ tensors: [Tensor], to path: String, durable: Bool) {
    let new = "\(path).new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    precondition(descriptor >= 0)
    for tensor in tensors {
      tensor.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
          let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
          precondition(count > 0)
          done += count
        }
      }
    }
    if durable { precondition(fsync(descriptor) == 0) }
    close(descriptor)
    precondition(rename(new, path) == 0)
  }

  private static func read(_ path: String, into buffer: UnsafeMutableRawBufferPointer) {
    let descriptor = open(path, O_RDONLY)
    precondition(descriptor >= 0)
    var done = 0
    while done < buffer.count {
      let count = Foundation.read(
        descriptor, buffer.baseAddress! + done, min(64 << 20, buffer.count - done))
      precondition(count > 0)
      done += count
    }
    close(descriptor)
  }

  /// A chain of layers without biases.
  static func checkpoint(layers: Int, inputs: Int, units: Int) throws -> Checkpoint {
    let kinds = (0..<layers).map { _ in
      LayerConfiguration.Kind.dense(.init(units: units, usesBias: false))
    }
    let model = try Model.sequential(inputShape: [inputs], kinds)
    let value = RandomStream(seed: 1)
    return Checkpoint(
      model: model.configuration,
      variables: model.variables.enumerated().map { index, variable in
        Variable(
          id: variable.id, name: variable.name,
          value: Tensor(repeating: Double(value.uniform(at: UInt64(index))), shape: variable.shape))
      })
  }
}
