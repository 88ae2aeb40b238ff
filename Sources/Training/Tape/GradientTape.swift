public import Optimizers
public import Tensors

/// A record of one forward pass, from which the gradients of its loss follow (reverse-mode automatic
/// differentiation).
///
/// Operators are methods that take and return ``Value`` handles. Numbers are float32; integer tensors
/// may stand on a tape as constants (labels and ids).
///
/// A tape keeps every tensor of the pass alive, the variables' included. Build it in a function that
/// returns plain tensors, so that it is gone before the optimizer writes: a variable that a living
/// tape still shares would have to be copied. ``gradients(of:withRespectTo:scaledBy:)`` consumes it.
public struct GradientTape: ~Copyable {
  /// A tensor on one tape. Meaningless on another.
  public struct Value: Sendable, Hashable {
    let index: Int
  }

  /// From the gradient of the loss by an operator's output (dense, of the output's shape) to its
  /// gradients by each input.
  public typealias Pullback = (_ upstream: Tensor) -> [Gradient]

  private struct Node {
    var output: Tensor
    /// Whether gradients flow to or through this node.
    var isTracked: Bool
    var inputs: [Value] = []
    var pullback: Pullback?
    /// What an activation that is a probability was computed from.
    var logits: Value?
  }

  /// False on a tape that only evaluates: nothing is kept for a backward pass.
  public let isRecording: Bool
  /// How many threads a matrix product may use; the bits of a result may depend on it.
  public let threadCount: Int
  private var nodes: [Node] = []

  /// An empty tape. Traps unless `threadCount` is positive.
  public init(isRecording: Bool = true, threadCount: Int = 1) {
    precondition(threadCount >= 1, "a tape on \(threadCount) threads")
    self.isRecording = isRecording
    self.threadCount = threadCount
  }
}

// MARK: - Values

extension GradientTape {
  /// The tensor behind a handle.
  public subscript(value: Value) -> Tensor { nodes[value.index].output }

  /// A tensor whose gradient is wanted: float32, or this traps.
  public mutating func variable(_ tensor: Tensor) -> Value {
    requireFloat32(tensor, "variable")
    return append(Node(output: tensor, isTracked: isRecording))
  }

  /// A tensor through which no gradient flows; any dtype.
  public mutating func constant(_ tensor: Tensor) -> Value {
    append(Node(output: tensor, isTracked: false))
  }

  /// Whether gradients flow to or through a value; an operator need not compute those that nobody
  /// reads.
  public func isTracked(_ value: Value) -> Bool { nodes[value.index].isTracked }

  /// Appends an operator's output. `pullback` is dropped unless an input is tracked; the gradients that
  /// it returns stand in the order of `inputs`, `.none` where the input is not tracked.
  public mutating func record(
    _ output: Tensor, from inputs: [Value], pullback: @escaping Pullback
  ) -> Value {
    guard inputs.contains(where: { nodes[$0.index].isTracked }) else { return constant(output) }
    return append(Node(output: output, isTracked: true, inputs: inputs, pullback: pullback))
  }

  private mutating func append(_ node: Node) -> Value {
    nodes.append(node)
    return Value(index: nodes.count - 1)
  }

  /// Remembers that `probability` came from `logits`, for losses that are computed from these.
  mutating func setLogits(_ logits: Value, of probability: Value) {
    nodes[probability.index].logits = logits
  }

  /// What a softmax or sigmoid computed `probability` from; nil for other values.
  func logits(of probability: Value) -> Value? { nodes[probability.index].logits }
}

// MARK: - Backward

extension GradientTape {
  /// The gradients of the scalar `loss` by each of `variables`, in their order; `.none` where the loss
  /// does not depend on one.
  ///
  /// Nodes run backwards in the order of their recording and are freed as they are done with, so sums
  /// of several contributions to one gradient always have the same order and the same bits. With a
  /// `scale` they are the gradients of the loss times the scale. Traps unless `loss` has one element.
  public consuming func gradients(
    of loss: Value, withRespectTo variables: [Value], scaledBy scale: Float = 1
  ) -> [Gradient] {
    let lossShape = self[loss].shape
    precondition(lossShape.elementCount == 1, "the loss has shape \(lossShape), not one element")
    var gradients = [Gradient](repeating: .none, count: nodes.count)
    gradients[loss.index] = .dense(Tensor(repeating: Double(scale), shape: lossShape))
    let wanted = Set(variables)
    while let node = nodes.popLast() {
      let index = nodes.count
      guard let pullback = node.pullback, let upstream = gradients[index].dense else { continue }
      if !wanted.contains(Value(index: index)) { gradients[index] = .none }
      let contributions = pullback(upstream)
      precondition(contributions.count == node.inputs.count, "a pullback of the wrong arity")
      for (input, contribution) in zip(node.inputs, contributions)
      where nodes[input.index].isTracked {
        gradients[input.index].add(contribution)
      }
    }
    return variables.map { gradients[$0.index] }
  }
}

func requireFloat32(_ tensor: Tensor, _ role: String) {
  precondition(tensor.dtype == .float32, "\(role) is \(tensor.dtype), not float32")
}
