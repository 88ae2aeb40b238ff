import ArgumentParser
import Checkpoints
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Trouble that the commands themselves find.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Runs a command's work; an error becomes one line on standard error and exit code 2.
func reportingTrouble(_ work: () throws -> Void) throws {
  do {
    try work()
    try StandardStreams.flushOutput()
  } catch TrainingError.eventHandler(let error) {
    try reportingTrouble { throw error }
  } catch let error as ExitCode {
    throw error
  } catch {
    printToStandardError("cairn: \("\(error)".withoutControlCharacters)")
    throw ExitCode(2)
  }
}

func printToStandardError(_ line: String, terminator: String = "\n") {
  let bytes = Array((line + terminator).utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
