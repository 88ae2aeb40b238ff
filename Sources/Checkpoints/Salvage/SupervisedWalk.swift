import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The program that walks through a damaged file in a process of its own.
package struct WalkingProgram: Sendable {
  /// Its file.
  package var executable: String
  /// What comes before the arguments of a walk.
  package var leadingArguments: [String]
  /// How long it may say nothing before it counts as stuck.
  package var patienceSeconds: Double

  package init(executable: String, leadingArguments: [String], patienceSeconds: Double = 30) {
    self.executable = executable
    self.leadingArguments = leadingArguments
    self.patienceSeconds = patienceSeconds
  }
}

/// What walks through a content found, however many of them it took.
struct SupervisedWalk {
  /// In the order in which they were found; the root first.
  private(set) var objects: [FoundObject] = []
  /// Why the walk could not be brought to its end; nil when it was.
  private(set) var failure: String?

  /// After so many crashes and time-outs the rest of a file is given up.
  private static let maximumLossCount = 64

  /// Walks again, without it, after each object at which a process crashed or got stuck.
  ///
  /// - Throws: when the program cannot be started.
  init(
    _ program: WalkingProgram, _ path: String, window: Range<Int>, spoolFolder: String?
  ) throws(SystemCallError) {
    var lost: [FoundObject] = []
    while true {
      var arguments = [path, "\(window.lowerBound)", "\(window.upperBound)"]
      if let spoolFolder {
        Self.empty(spoolFolder)
        arguments += ["--spool", spoolFolder]
      }
      arguments += lost.flatMap { ["--skip", $0.path] }
      var found: [FoundObject] = []
      var place: String?
      var isDone = false
      let ending = try SupervisedProcess.run(
        program.executable, program.leadingArguments + arguments,
        patienceSeconds: program.patienceSeconds
      ) { line in
        guard let json = try? JSONValue(parsing: line) else { return }
        if let at = json["at"]?.string {
          place = at
        } else if json["done"]?.bool == true {
          isDone = true
        } else if let object = FoundObject(json: json) {
          found.append(object)
        }
      }
      objects = found + lost
      if isDone { return }
      let reason = "reading it \(ending)"
      guard let place, place != "/", lost.count < Self.maximumLossCount,
        !lost.contains(where: { $0.path == place })
      else {
        if !objects.contains(where: { $0.path == "/" }) {
          objects.insert(FoundObject(path: "/", kind: .unreadable(reason)), at: 0)
        }
        failure = reason
        return
      }
      lost.append(FoundObject(path: place, kind: .unreadable(reason)))
    }
  }

  private static func empty(_ folder: String) {
    for name in (try? FolderTree.names(in: folder)) ?? [] { unlink("\(folder)/\(name)") }
  }

  var datasets: [(path: String, dataset: FoundDataset)] {
    objects.compactMap { object in object.dataset.map { (object.path, $0) } }
  }
}
