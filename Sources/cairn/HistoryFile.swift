import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The losses of a run as CSV: `step,epoch,loss`, one row a step, steps and epochs from 1.
///
/// A class because it owns an open file, closed when it goes.
final class HistoryFile {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  /// Starts the file with the steps that `history` has already.
  init(writing path: String, history: TrainingHistory) throws {
    self.path = path
    guard let file = fopen(path, "w") else {
      throw CommandError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    self.file = file
    try put("step,epoch,loss")
    for (index, loss) in history.losses.enumerated() {
      try put(row(step: index + 1, epoch: history.epoch(ofStepAt: index), loss: loss))
    }
  }

  deinit { fclose(file) }

  func append(_ step: TrainingEvent.Step) throws {
    try put(row(step: Int(step.step), epoch: step.epoch, loss: step.loss))
  }

  /// Hands what was appended to the operating system.
  func flush() throws {
    if fflush(file) != 0 || ferror(file) != 0 { throw failure() }
  }

  private func row(step: Int, epoch: Int, loss: Float) -> String { "\(step),\(epoch + 1),\(loss)" }

  private func put(_ line: String) throws {
    if fputs(line + "\n", file) < 0 { throw failure() }
  }

  private func failure() -> CommandError {
    CommandError("cannot write \(path): \(String(cString: strerror(errno)))")
  }
}
