extension Tensor {
  /// The same values in another dtype, each rounded once to the nearest (ties to even); see
  /// ``TensorElement/init(rounding:)`` for integers. No bytes move when the dtype is the same.
  public func converted(to newDType: DType) -> Tensor {
    if newDType == dtype { return self }
    return dtype.withElementType { source in
      newDType.withElementType { target in
        convert(from: source, to: target)
      }
    }
  }

  private func convert<Source: TensorElement, Target: TensorElement>(
    from _: Source.Type, to _: Target.Type
  ) -> Tensor {
    withElements(of: Source.self) { source in
      Tensor(shape: shape, dtype: Target.dtype) { bytes in
        let target = bytes.bindMemory(to: Target.self)
        for index in source.indices { target[index] = Target(rounding: source[index].number) }
      }
    }
  }
}
