public import Checkpoints

extension CheckpointError {
  /// The same error, with the tensor that was probably meant for a cure.
  ///
  /// - Parameters:
  ///   - patterns: names and patterns that no tensor has.
  ///   - names: those that there are.
  public func suggesting(for patterns: [String], among names: [String]) -> CheckpointError {
    let meant = patterns.compactMap { Glob($0)?.suggestion(among: names) }
    guard !meant.isEmpty else { return self }
    return with(cure: "did you mean \(meant.map { "'\($0)'" }.joined(separator: " or "))?")
  }

  /// The same error, with the file that was probably meant for a cure.
  ///
  /// - Parameter names: of the files in the folder of ``path``.
  public func suggestingFile(among names: [String]) -> CheckpointError {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let meant = Suggestion.nearest(to: name, among: names) else { return self }
    return with(cure: "did you mean '\(path.dropLast(name.count))\(meant)'?")
  }

  private func with(cure: String) -> CheckpointError {
    CheckpointError(
      kind, operation, path: path, object: object, problem: problem, cure: cure, cause: self.cause,
      report: report)
  }
}
