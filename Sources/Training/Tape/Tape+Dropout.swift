internal import Optimizers
public import Tensors

extension GradientTape {
  /// Zero with probability `rate`, else `x / (1 - rate)`, so that the expected value stays.
  ///
  /// Element i of the batch row that stands at global row r (`firstRow` + its index) is dropped when the
  /// stream's uniform number at counter `r × row size + i` is below `rate`: whoever computes the row, and
  /// in whichever batch, gets the same mask. Gradient: `dy` times the mask. Traps unless `rate` is in
  /// 0...1 and x has a first axis.
  public mutating func dropout(
    _ x: Value, rate: Float, stream: RandomStream, firstRow: Int = 0
  ) -> Value {
    precondition(0...1 ~= rate, "a dropout rate of \(rate)")
    if rate == 0 { return x }
    let input = self[x]
    let first = UInt64(firstRow) * UInt64(input.shape.row.elementCount)
    let scale = rate < 1 ? 1 / (1 - rate) : 0
    let mask = Tensor(float32: input.shape) { mask in
      for index in mask.indices {
        mask[index] = stream.uniform(at: first + UInt64(index)) < rate ? 0 : scale
      }
    }
    return record(elementwiseProduct(input, mask), from: [x]) {
      [.dense(elementwiseProduct($0, mask))]
    }
  }
}
