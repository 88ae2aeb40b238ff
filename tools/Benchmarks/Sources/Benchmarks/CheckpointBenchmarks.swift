import CCeilings
import CairnKit
import Foundation

/// Saving and loading, against plain calls that move the same bytes.
///
/// A save is durable: it replaces a checkpoint of before by a rename, and has made the new one's bytes and
/// name durable when it returns. What it is held against, `write` and `fsync`, gives no name: a new file is
/// filled and made durable beside the old one, and that is all its time. It replaces the old one outside of its
/// time, since the file system frees the old file's room in the rename, some 0.3 s for each GiB.
/// A save of Cairn frees it in the background, after it returned: that is not in its time either, and nobody
/// begins before it is done.
struct CheckpointBenchmarks {
  /// 16 tensors of 64 MiB: a durable save against `write` and `fsync`, and a load against `read`.
  ///
  /// The first save of a process, and its first loads into fresh memory, take up to three times as long as
  /// later ones. All of that is time of the kernel: for 1 GiB 5.4 s in the first save on a busy machine,
  /// 1.0 s in the third, at less than 0.3 s and 0.1 s of the program's own; 1.8 s in the first load, 1.0 s in
  /// the second, both with some 600 faults, one for each huge page. It makes room for the file among what it
  /// keeps of others, and puts huge pages together and clears them, which later it finds done. A warm-up
  /// goes before the times that count; `load weights into` needs no fresh memory.
  static func large() throws { try few { try $0.measureFirstSavesAndLoads(repetitions: 5) } }

  /// The same, saved again and again.
  static func largeAgain() throws { try few { $0.measureLaterSaves(repetitions: 15) } }

  /// 20,000 tensors of 16 KiB: what libhdf5's layout costs.
  static func many() throws { try small { try $0.measureFirstSavesAndLoads(repetitions: 9) } }

  /// The same, saved again and again.
  static func manyAgain() throws { try small { $0.measureLaterSaves(repetitions: 25) } }

  private static func few(_ body: (Self) throws -> Void) throws {
    try Self("16 x 64 MiB", layers: 16, inputs: 4096, units: 4096).run(body)
  }

  private static func small(_ body: (Self) throws -> Void) throws {
    try Self("20,000 x 16 KiB", layers: 20_000, inputs: 64, units: 64).run(body)
  }

  private let title: String
  private let layers: Int
  private let inputs: Int
  private let units: Int
  private let checkpoint: Checkpoint
  private let tensors: [Tensor]
  private let byteCount: Int
  private let folder: String

  private let weights = Profile(dialect: .keras3, layout: .weights)
  private let archive = Profile(dialect: .keras3, layout: .archive)

  private init(_ title: String, layers: Int, inputs: Int, units: Int) throws {
    self.title = title
    self.layers = layers
    self.inputs = inputs
    self.units = units
    checkpoint = try Self.checkpoint(layers: layers, inputs: inputs, units: units)
    tensors = checkpoint.variables.map(\.value)
    byteCount = tensors.reduce(0) { $0 + $1.byteCount }
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-benchmark-\(UUID().uuidString)").path
  }

  private func run(_ body: (Self) throws -> Void) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(self)
  }

  private func print(_ title: String, _ variants: [Variant], repetitions: Int) {
    printTable(
      "\(self.title), \(title)", measure(variants, repetitions: repetitions),
      elements: tensors.count, bytesPerElement: byteCount / tensors.count)
  }

  // MARK: - Saves

  private func measureLaterSaves(repetitions: Int) {
    print(
      "durable saves of a plan that was saved before",
      [
        writing("write", durable: false), writing("write + fsync", durable: true),
        save("y.weights.h5", weights, "save weights, kept skeleton", reusing: KeptSkeleton()),
        save("y.keras", archive, "save archive, kept skeleton", reusing: KeptSkeleton()),
      ], repetitions: repetitions)
  }

  private func measureFirstSaves(repetitions: Int) {
    // What libhdf5 needs to lay out many datasets; of a few large ones the elements take the time.
    let ceiling =
      layers < 1000
      ? writing("write + fsync", durable: true)
      : Variant(
        name: "libhdf5's bare layout", prepare: { rest() },
        run: { precondition(lay_out_bare("\(folder)/bare", Int32(layers), inputs, units) != 0) })
    print(
      "durable saves of a new plan",
      [
        ceiling,
        save("x.weights.h5", weights, "save weights", ceiling: ceiling.name),
        save("x.keras", archive, "save archive", ceiling: ceiling.name),
      ], repetitions: repetitions)
  }

  private func save(
    _ name: String, _ profile: Profile, _ title: String, ceiling: String = "write + fsync",
    reusing skeleton: KeptSkeleton? = nil
  ) -> Variant {
    Variant(
      name: title, ceiling: ceiling, prepare: { rest() },
      run: {
        do {
          try checkpoint.save(
            to: "\(folder)/\(name)", profile: profile, replacing: true, reusing: skeleton)
        } catch { fatalError("\(error)") }
      })
  }

  private func writing(_ name: String, durable: Bool) -> Variant {
    let path = "\(folder)/\(name)"
    return Variant(
      name: name, prepare: { rest(committing: path) },
      run: { Self.write(tensors, to: "\(path).new", durable: durable) })
  }

  /// Waits until the disk has done what the one before left to it: bytes that are not there yet, files being
  /// freed in the background, and the blocks that the file system gives back to the disk when it has
  /// synchronized that they are free. Then takes the memory that the file will need and gives it back: a
  /// virtual machine may have to ask its host for memory that it has not used for some time, which takes longer
  /// than the writing, and it is chance whom the memory of a file just freed spares that.
  private func rest(committing path: String? = nil) {
    if let path, access("\(path).new", F_OK) == 0 {
      precondition(rename("\(path).new", path) == 0)
    }
    while Self.holdsNamelessFile { usleep(1000) }
    sync()
    usleep(100_000)
    let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    precondition(memory != MAP_FAILED)
    memset(memory, 1, byteCount)
    munmap(memory, byteCount)
  }

  /// Whether this process holds a file that has lost its name.
  private static var holdsNamelessFile: Bool {
    let own = "/proc/self/fd"
    return ((try? FileManager.default.contentsOfDirectory(atPath: own)) ?? []).contains {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(own)/\($0)")
      return target?.hasSuffix(" (deleted)") ?? false
    }
  }

  /// Writes a new file. One that is written over gets the same places on the disk again, which a virtual
  /// disk gives faster than others.
  private static func write(_ tensors: [Tensor], to path: String, durable: Bool) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
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
  }

  // MARK: - Loads

  private func measureFirstSavesAndLoads(repetitions: Int) throws {
    measureFirstSaves(repetitions: repetitions)
    Self.write(tensors, to: "\(folder)/plain", durable: true)
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
    print(
      "loads",
      [
        Variant(name: "read, warm, into touched memory") {
          Self.read("\(folder)/plain", into: buffer)
        },
        Variant(name: "read, warm, into fresh memory", ceiling: "read, warm, into touched memory") {
          let fresh = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
          Self.read("\(folder)/plain", into: fresh)
          fresh.deallocate()
        },
        load("x.weights.h5", "load weights"), load("x.keras", "load archive"),
        restore("x.weights.h5", "load weights into"), restore("x.keras", "load archive into"),
      ], repetitions: repetitions)
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
