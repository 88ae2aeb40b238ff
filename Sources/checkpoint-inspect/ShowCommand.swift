public import ArgumentParser
import Checkpoints
public import Inspection

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "What is in a checkpoint: layers, variables, optimizer slots, configuration.",
    discussion: """
      With the name of a tensor its numbers are printed; brackets behind the name select some of them as in \
      NumPy: indices, ranges, steps and '...', negative ones from the end.
      Examples:
        checkpoint-inspect show model.h5
        checkpoint-inspect show model.h5 --statistics --only 'encoder/*'
        checkpoint-inspect show model.h5 --health
        checkpoint-inspect show model.h5 'dense/kernel[0:4, :]'
        curl -s https://example.org/model.keras | checkpoint-inspect show -
      """)

  @Argument(
    help: "The checkpoint, or - to read it from standard input.", completion: .file())
  var file: String

  @Argument(
    help:
      "A tensor whose numbers are to be printed, with or without a slice: 'dense/kernel[0:4, :]'.",
    transform: TensorReference.parse)
  var tensor: TensorReference?

  @Flag(
    help: "Print all numbers of the tensor, even if there are more than 1000.")
  var all = false

  @Flag(help: "Add the SHA-256 of each tensor's little-endian bytes.")
  var digests = false

  @Flag(
    help: """
      Add minimum, maximum, quantiles, mean, deviation, zeros, non-finite elements and a histogram of \
      each tensor.
      """)
  var statistics = false

  @Flag(
    help: """
      Add what the optimizer's state says about each variable: Adagrad's effective rates, elements and \
      rows that never moved, and how far averages are from the live weights.
      """)
  var health = false

  @Option(help: "Order: \(TensorOrder.allCases.map(\.rawValue).joined(separator: ", ")).")
  var sort = ShowReport.Options().order

  @OptionGroup var filter: FilterOptions

  @OptionGroup var page: HTMLOptions

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard tensor != nil else {
      if all { throw ValidationError("--all is about the numbers of a tensor; none is named") }
      return
    }
    if digests || statistics || health || sort != ShowReport.Options().order || !filter.isEmpty
      || page.html != nil
    {
      throw ValidationError("the numbers of one tensor take no other option but --all and --format")
    }
  }

  func run() throws {
    var options = ShowReport.Options()
    options.digests = digests
    options.statistics = statistics
    options.health = health
    options.order = sort
    options.filter = filter.filter
    try ShowRequest(
      file: file, isVerified: reading.verifying, tensor: tensor, isWhole: all, options: options,
      page: page.target, style: printing.style
    ).run()
  }
}

extension TensorOrder: ExpressibleByArgument {}

extension TensorReference: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }

  /// The tensor of an argument.
  ///
  /// - Throws: what is expected, where its brackets hold no slice.
  static func parse(_ argument: String) throws -> TensorReference {
    guard let reference = TensorReference(argument) else {
      throw ValidationError(
        "'\(argument.withoutControlCharacters)' has no slice in its brackets: expected indices, ranges and"
          + " steps other than 0, such as '[0:4, ::2]', with '...' once at most")
    }
    return reference
  }
}
