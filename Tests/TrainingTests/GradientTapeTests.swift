import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite("GradientTape")
struct GradientTapeTests {
  @Test("a variable that the loss does not depend on has no gradient")
  func unconnected() {
    var tape = GradientTape()
    let used = tape.variable(Tensor([1, 2] as [Float], shape: [1, 2]))
    let unused = tape.variable(Tensor([3] as [Float]))
    let loss = tape.loss(.init(.meanSquaredError), of: used, labels: Tensor(zeros: [1, 2]))
    let gradients = tape.gradients(of: loss, withRespectTo: [used, unused])
    #expect(elements(of: gradients[0], count: 2) == [1, 2])
    guard case .none = gradients[1] else {
      Issue.record("found \(gradients[1])")
      return
    }
  }

  @Test("contributions of several uses of a variable are summed")
  func shared() {
    let kernel = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    checkGradient(of: [kernel]) { tape, values in
      let x = tape.constant(Tensor([1, -1] as [Float], shape: [1, 2]))
      let first = tape.matmul(x, values[0])
      return tape.matmul(first, values[0])
    } reference: { inputs in
      let w = inputs[0]
      let h = [w[0] - w[2], w[1] - w[3]]
      return [h[0] * w[0] + h[1] * w[2], h[0] * w[1] + h[1] * w[3]]
    }
  }

  @Test("two lookups in one table give one row-indexed gradient, duplicates kept in order")
  func twoLookups() {
    var tape = GradientTape()
    let table = tape.variable(normalTensor("table", [1000, 2]))
    let first = tape.rows(of: table, at: [7, 3], idShape: [2])
    let second = tape.rows(of: table, at: [3, 3], idShape: [2])
    let sum = tape.add(first, second)
    let loss = tape.loss(.init(.meanSquaredError), of: sum, labels: Tensor(zeros: [2, 2]))
    let gradient = tape.gradients(of: loss, withRespectTo: [table])[0]
    guard case .rows(let rows) = gradient else {
      Issue.record("found \(gradient)")
      return
    }
    #expect(rows.indices == [3, 3, 7, 3])  // the tape runs backwards
    #expect(rows.shape == [1000, 2])
    #expect(rows.values.shape == [4, 2])
  }

  @Test("a table that is looked up and also multiplied has a dense gradient")
  func lookupAndProduct() {
    checkGradient(of: [normalTensor("table", [3, 2])]) { tape, values in
      let rows = tape.rows(of: values[0], at: [1, 1], idShape: [2])
      let x = tape.constant(Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))
      let product = tape.matmul(x, values[0])
      return tape.add(rows, product)
    } reference: { inputs in
      let w = inputs[0]
      return table(4) { index in
        let (row, column) = (index / 2, index % 2)
        return w[2 + column] + sum(3) { Double(row * 3 + $0 + 1) * w[$0 * 2 + column] }
      }
    }
  }

  @Test("rows of a computed table reach what it was computed from")
  func lookupInComputedTable() {
    checkGradient(of: [normalTensor("x", [3, 2])]) { tape, values in
      let table = tape.activate(values[0], .tanh)
      let rows = tape.rows(of: table, at: [2, 0, 2], idShape: [3])
      return tape.activate(rows, .exponential)
    } reference: { inputs in
      [2, 0, 2].flatMap { row in
        [0, 1].map { exp(tanh(inputs[0][row * 2 + $0])) }
      }
    }
  }

  @Test("a tape that only evaluates gives no gradients")
  func evaluation() {
    var tape = GradientTape(isRecording: false)
    let x = tape.variable(Tensor([1] as [Float], shape: [1, 1]))
    let loss = tape.loss(.init(.meanSquaredError), of: x, labels: Tensor(zeros: [1, 1]))
    let isTracked = tape.isTracked(loss)
    #expect(!isTracked)
    guard case .none = tape.gradients(of: loss, withRespectTo: [x])[0] else {
      Issue.record("a gradient was found")
      return
    }
  }

  @Test("labels and ids stay integers on a tape and become float32 where asked")
  func integers() {
    var tape = GradientTape()
    let ids = tape.constant(Tensor([1, 2] as [Int64]))
    #expect(tape[ids].dtype == .int64)
    let floats = tape.float32(ids)
    #expect(tape[floats].elements(of: Float.self) == [1, 2])
  }
}
