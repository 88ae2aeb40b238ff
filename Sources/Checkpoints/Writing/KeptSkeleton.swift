import Dispatch
import Tensors

/// The layout of the file that was saved last, kept for the next one.
///
/// Whoever saves one training run again and again owns one and gives it to every save: as long as the
/// checkpoints differ in their tensors' numbers alone, libhdf5 lays out the first file only. Any other
/// checkpoint is laid out anew, so that the files are the same with and without it, byte for byte. It
/// holds what the file holds beside the tensors: about 1 KiB for each variable.
///
/// A class because it is shared by the saves; Sendable because every access holds the lock.
public final class KeptSkeleton: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var kept: (structure: FilePlan.Structure, skeleton: FileSkeleton)?

  public init() {}

  /// The skeleton of a plan: the kept one if it fits, otherwise a new one, which is kept from now on.
  func skeleton(of plan: FilePlan, named path: String) throws -> FileSkeleton {
    lock.wait()
    defer { lock.signal() }
    let structure = FilePlan.Structure(plan)
    if let kept, kept.structure == structure { return kept.skeleton }
    let skeleton = try FileSkeleton(layingOut: plan, named: path)
    kept = (structure, skeleton)
    return skeleton
  }
}

extension FilePlan {
  /// All of a plan that decides where what lies in the file.
  struct Structure: Equatable {
    private let contentOffset: Int
    private let groups: [Group]
    private let datasets: [Dataset]
    private let digests: DigestAlgorithm?
    private let documents: [String]

    private struct Group: Equatable {
      let path: String
      let names: [String]
      let values: [AttributeValue]
    }

    private struct Dataset: Equatable {
      let path: String
      let dtype: DType
      let shape: Shape
    }

    init(_ plan: FilePlan) {
      contentOffset = plan.contentOffset
      digests = plan.digests
      documents = plan.documents.map(\.name)
      groups = plan.groups.map {
        Group(path: $0.path, names: $0.attributes.map(\.name), values: $0.attributes.map(\.value))
      }
      datasets = plan.datasets.map {
        Dataset(path: $0.path, dtype: $0.value.dtype, shape: $0.value.shape)
      }
    }
  }
}
