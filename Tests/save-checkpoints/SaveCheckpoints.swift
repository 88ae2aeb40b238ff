import ArgumentParser
import Checkpoints
import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Saves one checkpoint after another into a folder, so that tools can watch it, kill it, or take its disk
/// away. Every number in them follows from the step, as of a run that is resumed exactly.
///
/// Prints `began PATH` when a save begins and `durable PATH` when it is durable.
@main
struct SaveCheckpoints: ParsableCommand {
  @Argument(help: "The folder.")
  var folder: String
  @Option(help: "A checkpoint that gives names and shapes.")
  var from: String
  @Option(help: "In which layout, and for which Keras.", transform: profileNamed)
  var profile: Profile
  @Option(help: "The first step.")
  var firstStep = 1
  @Option(help: "The last step.")
  var steps: Int
  @Option(help: "Bytes of variables in one file of keras3-sharded.")
  var maxShardSize = 5 << 30
  @Option(help: "How many checkpoints stay.")
  var keepNewest: Int?
  @Flag(
    help: "Save every checkpoint under the number of the first, in the place of the one before.")
  var replacing = false
  @Flag(help: "Write over one file, without another name: what Cairn never does.")
  var inPlace = false

  func run() throws {
    let template = try CheckpointReader(opening: from).load()
    if inPlace { return try saveInPlace(template) }
    let store = try CheckpointStore(
      opening: folder, profile: profile, retention: Retention(newest: keepNewest),
      maximumShardByteCount: maxShardSize,
      onEvent: { event in
        switch event {
        case .began(let saved): say("began \(saved.path)")
        case .saved(let saved): say("durable \(saved.path)")
        case .removed, .failed: break
        }
      })
    for step in firstStep...max(firstStep, steps) {
      try store.save(
        Self.checkpoint(template, step: step), step: replacing ? firstStep : step)
    }
    try store.finish()
  }

  /// The counter-example that a test of this kind must catch.
  private func saveInPlace(_ template: Checkpoint) throws {
    for step in firstStep...max(firstStep, steps) {
      let path = "\(folder)/only\(profile.layout.fileSuffix)"
      let whole = "\(folder)/scratch\(profile.layout.fileSuffix)"
      try Self.checkpoint(template, step: step).save(to: whole, profile: profile, replacing: true)
      say("began \(path)")
      try Self.copy(whole, over: path)
      say("durable \(path)")
    }
  }

  private static func copy(_ source: String, over target: String) throws {
    let input = open(source, O_RDONLY)
    let output = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer {
      close(input)
      close(output)
    }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(input, &buffer, buffer.count), count > 0 {
      guard write(output, buffer, count) == count else { throw ExitCode(2) }
    }
    guard fsync(output) == 0 else { throw ExitCode(2) }
  }

  /// The checkpoint of a step: a function of the template and the step alone.
  static func checkpoint(_ template: Checkpoint, step: Int) -> Checkpoint {
    let stream = RandomStream(seed: UInt64(step))
    var checkpoint = template
    for index in checkpoint.variables.indices {
      fill(&checkpoint.variables[index].value, stream.substream(UInt64(index)))
    }
    if var optimizer = checkpoint.optimizer {
      optimizer.iterations = Int64(step)
      let streams = stream.substream(named: "slots")
      for index in optimizer.slots.indices {
        fill(&optimizer.slots[index].value, streams.substream(UInt64(index)))
      }
      checkpoint.optimizer = optimizer
    }
    return checkpoint
  }

  private static func fill(_ tensor: inout Tensor, _ stream: RandomStream) {
    guard tensor.dtype == .float32 else { return }
    tensor.withMutableElements(of: Float.self) { elements in
      for index in elements.indices { elements[index] = stream.uniform(at: UInt64(index)) }
    }
  }
}

/// A line on standard output, at once: whoever watches reads it before anything else happens.
private func say(_ line: String) {
  let bytes = Array("\(line)\n".utf8)
  precondition(write(STDOUT_FILENO, bytes, bytes.count) == bytes.count, "nobody is listening")
}

private func profileNamed(_ name: String) throws -> Profile {
  guard let profile = Profile(name: name) else {
    throw ValidationError("there is no profile '\(name)'")
  }
  return profile
}
