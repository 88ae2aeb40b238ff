import ArgumentParser

/// The ranges of options that several commands have.
enum OptionRanges {
  static func checkBatchSize(_ batchSize: Int) throws {
    guard (1...1_000_000_000).contains(batchSize) else {
      throw ValidationError("--batch-size must be from 1 to 1000000000")
    }
  }

  static func checkThreads(_ threads: Int) throws {
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads must be from 1 to 1024")
    }
  }

  static func checkValidationSplit(_ fraction: Double) throws {
    guard (0..<1).contains(fraction) else {
      throw ValidationError("--validation-split must be 0 or more and less than 1")
    }
  }
}
