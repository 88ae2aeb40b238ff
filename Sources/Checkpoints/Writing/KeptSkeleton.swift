import Tensors

/// The layout of the file that was saved last, kept for the next one.
///
/// Whoever saves one training run again and again owns one and gives it to every save: as long as the
/// checkpoints differ in their tensors' numbers alone, libhdf5 lays out the first file only. Any other
/// checkpoint is laid out anew, so that the files are the same with and without it, byte for byte. It
/// holds what the file holds beside the tensors: about 1 KiB for each variable.
///
/// A class because it is shared by the saves.
public final class KeptSkeleton: Sendable {
  private struct State {
    var kept: (structure: FilePlan.Structure, skeleton: FileSkeleton)?
    var layoutCount = 0
  }

  private let state = Locked(State())

  public init() {}

  /// How many files libhdf5 has laid out for the saves so far.
  package var layoutCount: Int { state.withLock { $0.layoutCount } }

  /// The skeleton of a plan: the kept one if it fits, otherwise the one that `layOut` makes, which is kept
  /// from now on.
  func skeleton(of plan: FilePlan, orLayingOut layOut: () throws -> FileSkeleton) throws
    -> FileSkeleton
  {
    try state.withLock { state in
      Result {
        if let kept = state.kept, kept.structure.isStructure(of: plan) { return kept.skeleton }
        let skeleton = try layOut()
        state.kept = (FilePlan.Structure(of: plan), skeleton)
        state.layoutCount += 1
        return skeleton
      }
    }.get()
  }
}

extension FilePlan {
  /// All of a plan that decides where what lies in the file.
  struct Structure {
    private let contentOffset: Int
    private let groups: [Group]
    private let datasets: [(path: String, dtype: DType, shape: Shape)]
    private let digests: DigestAlgorithm?
    private let documents: [String]

    init(of plan: FilePlan) {
      contentOffset = plan.contentOffset
      digests = plan.digests
      documents = plan.documents.map(\.name)
      groups = plan.groups
      datasets = plan.datasets.map { ($0.path, $0.value.dtype, $0.value.shape) }
    }

    /// Whether another plan has the same.
    func isStructure(of plan: FilePlan) -> Bool {
      contentOffset == plan.contentOffset && digests == plan.digests
        && documents.elementsEqual(plan.documents) { $0 == $1.name }
        && groups.elementsEqual(plan.groups) { $0.isEqual(to: $1) }
        && datasets.elementsEqual(plan.datasets) {
          $0.path == $1.path && $0.dtype == $1.value.dtype && $0.shape == $1.value.shape
        }
    }
  }
}

extension FilePlan.Group {
  fileprivate func isEqual(to other: Self) -> Bool {
    path == other.path && attributes.elementsEqual(other.attributes, by: ==)
  }
}
