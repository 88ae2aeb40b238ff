import ArgumentParser
import Checkpoints
import Inspection

/// Which tensors a command looks at.
struct FilterOptions: ParsableArguments {
  @Option(
    help: """
      Only tensors whose names match this pattern, and the slots of such variables: 'encoder/*', \
      'accumulator/*', '*kernel'. Repeatable.
      """)
  var only: [String] = []

  @Option(
    help: "No tensors whose names match this pattern, nor slots of such variables. Repeatable.")
  var exclude: [String] = []

  @Option(help: "Only tensors of this role: \(TensorRole.list). Repeatable.")
  var role: [TensorRole] = []

  var filter: TensorFilter {
    TensorFilter(
      only: only.compactMap { Glob($0) }, excluding: exclude.compactMap { Glob($0) },
      roles: Set(role.map(\.rawValue)))
  }

  /// Whether all tensors pass.
  var isEmpty: Bool { only.isEmpty && exclude.isEmpty && role.isEmpty }

  func validate() throws { try Self.validate(patterns: only + exclude) }

  static func validate(patterns: [String]) throws {
    for pattern in patterns where Glob(pattern) == nil {
      throw ValidationError("'\(pattern)' is not a pattern: a set is left open, or it ends in '\\'")
    }
  }
}

/// A role as it is named on the command line and in reports.
enum TensorRole: String, CaseIterable, ExpressibleByArgument {
  case weight, slot, iteration, learningRate, lossScale, other

  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
