import ArgumentParser

/// The ranges of options that several commands have.
enum OptionRanges {
  static let batchSize = 1...1_000_000_000
  static let threads = 1...1024
  static let validationSplit = 0.0..<1.0

  static func checkBatchSize(_ batchSize: Int) throws {
    guard self.batchSize.contains(batchSize) else {
      throw ValidationError("--batch-size must be from 1 to 1000000000")
    }
  }

  static func checkThreads(_ threads: Int) throws {
    guard self.threads.contains(threads) else {
      throw ValidationError("--threads must be from 1 to 1024")
    }
  }

  static func checkValidationSplit(_ fraction: Double) throws {
    guard validationSplit.contains(fraction) else {
      throw ValidationError("--validation-split must be 0 or more and less than 1")
    }
  }
}
