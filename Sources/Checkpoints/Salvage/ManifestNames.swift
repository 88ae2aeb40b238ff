package import KerasConfiguration

/// How the tensors of a checkpoint are called, as far as it can be opened: found out by another process, like
/// the rest of a damaged file.
package struct ManifestNames: Sendable {
  /// By dataset.
  private(set) var entries: [String: Entry] = [:]
  /// Why the checkpoint does not open; nil when it does.
  private(set) var refusal: String?

  /// None are known.
  init() {}

  struct Entry: Sendable {
    let name: String
    let role: String
    let slot: String?
  }

  /// What the other process does: it opens a checkpoint, and says what is in it.
  package static func emit(_ path: String, _ emit: (JSONValue) -> Void) {
    do {
      let reader = try CheckpointReader(opening: path, verifying: false)
      for entry in reader.manifest.entries {
        var slot: String?
        if case .slot(let name, _, _) = entry.role { slot = name }
        emit([
          "dataset": .string(entry.datasetPath), "name": .string(entry.name),
          "role": .string(entry.role.keyword), "slot": JSONValue(slot),
        ])
      }
      emit(["done": true])
    } catch {
      emit(["refused": .string("\(error)")])
    }
  }

  /// - Throws: when the program cannot be started.
  init(of path: String, by program: WalkingProgram) throws(SystemCallError) {
    var isDone = false
    let ending = try SupervisedProcess.run(
      program.executable, program.leadingArguments + [path, "--names"],
      patienceSeconds: program.patienceSeconds
    ) { line in
      guard let json = try? JSONValue(parsing: line) else { return }
      if json["done"]?.bool == true { isDone = true }
      if let reason = json["refused"]?.string { refusal = reason }
      guard let dataset = json["dataset"]?.string, let name = json["name"]?.string,
        let role = json["role"]?.string
      else { return }
      entries[dataset] = Entry(name: name, role: role, slot: json["slot"]?.string)
    }
    if !isDone, refusal == nil { refusal = "reading it \(ending)" }
  }
}

extension ManifestNames {
  /// Slots that only ever grow, or are means of squares.
  private static let sumsOfSquares: Set = [
    "accumulator", "accumulators", "velocity", "v", "vhat", "rms",
  ]

  /// Whether no element of a tensor can be negative.
  func isSumOfSquares(_ dataset: String) -> Bool {
    let entry = entries[dataset]
    if let slot = entry?.slot { return Self.sumsOfSquares.contains(slot) }
    let parts = (entry?.name ?? dataset).split(separator: "/")
    return parts.last?.hasPrefix("moving_variance") == true || parts.contains("accumulator")
      || entry?.role == "iteration"
  }

  /// Whether rows of zeros are usual in a tensor: in slots of rows that no step has touched, and in what
  /// begins at zero. Weights with rows begin at random.
  func mayHaveZeroRows(_ dataset: String) -> Bool {
    guard let entry = entries[dataset] else { return dataset.contains("optimizer") }
    let last = entry.name.split(separator: "/").last ?? ""
    return entry.role != "weight" || ["bias", "beta", "moving_mean"].contains(last)
  }
}
