internal import KerasConfiguration
internal import Tensors

/// What happens to gradients between the call and the rule: accumulation, clipping, conversion.
extension Optimizer {
  /// Whether one norm is taken over all gradients.
  var clipsGlobally: Bool {
    switch (arithmetic, clipping) {
    case (.kerasLegacy, .globalNorm): true
    case (.kerasLegacy, _): false
    default: if case .globalNorm = clipping?.active { true } else { false }
    }
  }

  // MARK: Accumulation

  /// Adds the gradients to the accumulators. In the call that updates, the gradients become the means.
  mutating func accumulate(
    _ gradients: inout [Gradient], _ variables: [Variable], isUpdate: Bool, _ team: ThreadTeam
  ) {
    guard let accumulatorSlot, let steps = gradientAccumulationSteps else { return }
    let update = AccumulationUpdate(divisor: isUpdate ? steps : nil)
    for index in gradients.indices {
      let place = plan.places[index]
      let dtype = variables[index].value.dtype
      let gradient: Tensor
      switch gradients[index] {
      case .none: continue
      case .dense(let tensor): gradient = tensor
      case .rows(let rows): gradient = rows.dense()
      }
      let plane = planeForUpdate(ofSlot: accumulatorSlot, place)
      var numbers = gradient.converted(to: dtype)
      var elements = UnsafeRawPointer(numbers.storageForReading.base)
      if let lossScaleFactor {
        let transform = GradientTransform(lossScale: rounded(lossScaleFactor, to: gradient.dtype))
        if gradient.dtype == dtype {
          let scaled = plan.rowScratch(byteCount: gradient.byteCount)
          transform.apply(to: elements, into: scaled, count: gradient.elementCount, dtype: dtype)
          elements = UnsafeRawPointer(scaled)
        } else {
          numbers = transform.applied(to: gradient).converted(to: dtype)
          elements = UnsafeRawPointer(numbers.storageForReading.base)
        }
      }
      update.update(
        plane, adding: elements, count: gradient.elementCount, dtype: dtype, team: team)
      withExtendedLifetime(numbers) {}
      if let mean = slots.tensors[accumulatorSlot][place] { gradients[index] = .dense(mean) }
    }
  }

  /// After an update all sums start anew, also those of variables that had no gradient in it.
  mutating func clearAccumulators() {
    guard let accumulatorSlot else { return }
    for place in slots.variables.indices {
      guard
        let bytes = slots.tensors[accumulatorSlot][place]?.storageForUpdate(from: buffers).new.bytes
      else {
        continue
      }
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  // MARK: Clipping

  /// Fills `plan.transforms`.
  mutating func planTransforms(of gradients: [Gradient], _ team: ThreadTeam) {
    let isLegacy = arithmetic == .kerasLegacy
    // The legacy classes apply whatever is given.
    let rule = isLegacy ? clipping : clipping?.active
    for gradient in gradients {
      var transform = GradientTransform.identity
      if let values = gradient.values {
        if let lossScaleFactor, gradientAccumulationSteps == nil {
          transform.lossScale = rounded(lossScaleFactor, to: values.dtype)
        }
        let limit = isLegacy ? rule?.valueLimit : rule?.elementLimit
        transform.limit = limit.map { rounded($0, to: values.dtype) }
        if case .norm(let limit, _) = rule {
          transform.scale = GradientClipping.scale(
            limit: limit, sumOfSquares: sumOfSquares(of: values, after: transform, team),
            dtype: values.dtype)
        }
      }
      plan.transforms.append(transform)
    }
    guard case .globalNorm(let limit, _) = rule,
      let dtype = gradients.lazy.compactMap(\.values).first?.dtype
    else { return }
    for (index, gradient) in gradients.enumerated() {
      guard let values = gradient.values else { continue }
      plan.sumsOfSquares.append(sumOfSquares(of: values, after: plan.transforms[index], team))
    }
    let scale = GradientClipping.factor(
      limit: limit, sumsOfSquares: plan.sumsOfSquares, dtype: dtype, arithmetic)
    for index in plan.transforms.indices { plan.transforms[index].scale = scale }
  }

  private mutating func sumOfSquares(
    of values: Tensor, after transform: GradientTransform, _ team: ThreadTeam
  ) -> Double {
    SumOfSquares(
      gradient: values.storageForReading.base, count: values.elementCount, dtype: values.dtype,
      transform: transform
    ).value(partialSums: &plan.partialSums, team: team)
  }

  private func rounded(_ value: Double, to dtype: DType) -> Double {
    dtype.withScalar { $0.init(value).number.double }
  }

  // MARK: Conversion

  /// Makes gradients what the rule can take: in their variables' dtypes (after clipping, as in Keras 3),
  /// and dense where rows will not do. Most gradients stay as they are.
  mutating func convert(_ gradients: inout [Gradient], _ variables: [Variable]) {
    let rowsStay = rule.rowHandling(arithmetic: arithmetic) != .dense
    let spreadsRows = arithmetic == .keras3 && clipsGlobally
    for index in gradients.indices {
      let dtype = variables[index].value.dtype
      if let converted = converted(
        gradients[index], index, to: dtype, rowsStay: rowsStay, spreadsRows: spreadsRows)
      {
        gradients[index] = converted
      }
    }
  }

  /// Nil if the gradient is right as it is.
  private mutating func converted(
    _ gradient: Gradient, _ index: Int, to dtype: DType, rowsStay: Bool, spreadsRows: Bool
  ) -> Gradient? {
    switch gradient {
    case .none: return nil
    case .dense(let tensor):
      guard tensor.dtype != dtype else { return nil }
      return .dense(transformed(tensor, index).converted(to: dtype))
    case .rows(let rows):
      if spreadsRows {
        // Equal rows are summed, and then scaled with the rest.
        let table = rows.dense()
        return converted(
          .dense(table), index, to: dtype, rowsStay: true, spreadsRows: false) ?? .dense(table)
      }
      guard !rowsStay || rows.values.dtype != dtype else { return nil }
      let values = transformed(rows.values, index)
      return rowsStay
        ? .rows(rows.replacingValues(values.converted(to: dtype)))
        : .dense(rows.replacingValues(values).dense().converted(to: dtype))
    }
  }

  /// The values after the transform of the gradient at `index`, which is then done with.
  private mutating func transformed(_ values: Tensor, _ index: Int) -> Tensor {
    defer { plan.transforms[index] = .identity }
    return plan.transforms[index].applied(to: values)
  }
}

// MARK: - Gradients as tensors

extension Gradient {
  /// The numbers that were given: all elements, or those of some rows.
  var values: Tensor? {
    switch self {
    case .dense(let tensor): tensor
    case .rows(let rows): rows.values
    case .none: nil
    }
  }
}

extension GradientTransform {
  /// A new tensor, or the same where nothing is to be done.
  func applied(to tensor: Tensor) -> Tensor {
    if isIdentity { return tensor }
    return Tensor(shape: tensor.shape, dtype: tensor.dtype) { bytes in
      guard let base = bytes.baseAddress else { return }
      tensor.withUnsafeBytes { source in
        guard let source = source.baseAddress else { return }
        apply(to: source, into: base, count: tensor.elementCount, dtype: tensor.dtype)
      }
    }
  }
}

extension IndexedRows {
  func replacingValues(_ values: Tensor) -> IndexedRows {
    IndexedRows(indices: indices, values: values, shape: shape)
  }

  /// One number per element; equal rows summed in order of appearance, from zero.
  func dense() -> Tensor {
    func sum<T: UpdateScalar>(_: T.Type) -> Tensor {
      var table = Tensor(zeros: shape, dtype: values.dtype)
      let width = indices.isEmpty ? 0 : values.elementCount / indices.count
      table.withMutableElements(of: T.self) { table in
        values.withElements(of: T.self) { values in
          for (entry, row) in indices.enumerated() {
            for i in 0..<width {
              table[row * width + i] = table[row * width + i] + values[entry * width + i]
            }
          }
        }
      }
      return table
    }
    switch values.dtype {
    case .float32: return sum(Float.self)
    case .float64: return sum(Double.self)
    case .float16: return sum(Float16.self)
    case .bfloat16: return sum(BFloat16.self)
    default: preconditionFailure("there are no gradients of \(values.dtype) variables")
    }
  }
}
