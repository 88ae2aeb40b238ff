// Convolutions, pooling, padding and recurrent layers: what happens along the axes of space and time.
extension ShapeInference.Layer {
  typealias Shape = ShapeInference.Shape

  /// The number in a class's name: 2 for `Conv2DTranspose`.
  private var spatialRank: Int? {
    className.firstIndex(of: "D").flatMap { _ in
      (1...3).first { className.contains("\($0)D") }
    }
  }

  func globalPooling(_ input: Shape) -> Shape? {
    guard input.count >= 3 else { return nil }
    let channels = isChannelsFirst ? input[1] : input[input.count - 1]
    guard options["keepdims"] == true else { return [input[0], channels] }
    let ones = Shape(repeating: 1, count: input.count - 2)
    return isChannelsFirst ? [input[0], channels] + ones : [input[0]] + ones + [channels]
  }

  /// The output of a layer that changes the axes of space; nil for any other class.
  func spatial(_ input: Shape) -> Shape? {
    guard let rank = spatialRank, input.count == rank + 2, !className.hasPrefix("ConvLSTM") else {
      return nil
    }
    let first = isChannelsFirst ? 2 : 1
    let extents = Array(input[first..<first + rank])
    let channels = isChannelsFirst ? input[1] : input[rank + 1]
    guard let (changed, features) = changed(extents, channels: channels, rank: rank) else {
      return nil
    }
    return isChannelsFirst
      ? [input[0], features] + changed : [input[0]] + changed + [features]
  }

  private func changed(
    _ extents: Shape, channels: Int?, rank: Int
  ) -> (extents: Shape, channels: Int?)? {
    let filters = int("filters")
    switch className {
    case "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose":
      return transposed(extents, rank: rank).map { ($0, filters) }
    case "Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D":
      return window(extents, "kernel_size", rank: rank).map { ($0, filters) }
    case "DepthwiseConv1D", "DepthwiseConv2D":
      let multiplier = int("depth_multiplier") ?? 1
      return window(extents, "kernel_size", rank: rank).map {
        ($0, channels.map { $0 * multiplier })
      }
    case let name where name.contains("Pooling"):
      return window(extents, "pool_size", rank: rank).map { ($0, channels) }
    case let name where name.hasPrefix("UpSampling"):
      return ints("size", rank: rank).map { sizes in
        (zip(extents, sizes).map { extent, size in extent.map { $0 * size } }, channels)
      }
    case let name where name.hasPrefix("ZeroPadding"):
      return margins("padding", rank: rank).map { margins in
        (zip(extents, margins).map { extent, margin in extent.map { $0 + margin } }, channels)
      }
    case let name where name.hasPrefix("Cropping"):
      return margins("cropping", rank: rank).map { margins in
        (zip(extents, margins).map { extent, margin in extent.map { $0 - margin } }, channels)
      }
    default: return nil
    }
  }

  /// The sum of both sides, axis by axis.
  private func margins(_ key: String, rank: Int) -> [Int]? {
    if let both = ints(key, rank: rank), options[key]?.int != nil || rank > 2 {
      return both.map { 2 * $0 }
    }
    guard let lists = options[key]?.array else { return nil }
    if rank == 1 { return [lists.compactMap(\.int).reduce(0, +)] }
    return lists.count == rank
      ? lists.map { ($0.array ?? []).compactMap(\.int).reduce(0, +) } : nil
  }

  /// A window that moves over the axes.
  private func window(_ extents: Shape, _ sizeKey: String, rank: Int) -> Shape? {
    guard let sizes = ints(sizeKey, rank: rank) else { return nil }
    let strides = ints("strides", rank: rank) ?? (sizeKey == "pool_size" ? sizes : [])
    let dilations = ints("dilation_rate", rank: rank) ?? Array(repeating: 1, count: rank)
    guard strides.count == rank, strides.allSatisfy({ $0 > 0 }) else { return nil }
    let isValid = options["padding"] == "valid"
    return extents.indices.map { axis in
      guard let extent = extents[axis] else { return nil }
      let reach = isValid ? dilations[axis] * (sizes[axis] - 1) : 0
      return (extent - reach + strides[axis] - 1) / strides[axis]
    }
  }

  private func transposed(_ extents: Shape, rank: Int) -> Shape? {
    guard let sizes = ints("kernel_size", rank: rank), let strides = ints("strides", rank: rank),
      let padding = options["padding"]?.string
    else { return nil }
    let dilations = ints("dilation_rate", rank: rank) ?? Array(repeating: 1, count: rank)
    let extra = ints("output_padding", rank: rank)
    return extents.indices.map { axis in
      guard let extent = extents[axis] else { return nil }
      let size = dilations[axis] * (sizes[axis] - 1) + 1
      if let extra {
        let pad = padding == "same" ? size / 2 : 0
        return (extent - 1) * strides[axis] + size - 2 * pad + extra[axis]
      }
      return padding == "same"
        ? extent * strides[axis] : extent * strides[axis] + max(size - strides[axis], 0)
    }
  }

  // MARK: Time

  /// The states that a recurrent layer returns behind its output: none unless asked; nil for a class that
  /// is not recurrent.
  func states(_ input: Shape) -> [Shape?]? {
    guard ConfigurationTranslator.recurrentClasses.contains(className) else { return nil }
    let layer = className == "Bidirectional" ? wrapped : self
    guard layer?.options["return_state"] == true else { return [] }
    // Their number tells the outputs apart; few are called upon.
    let count =
      (layer?.className.contains("LSTM") == true ? 2 : 1) * (className == "Bidirectional" ? 2 : 1)
    let state = layer.flatMap { layer in layer.units.map { [input[0], $0] } }
    return Array(repeating: state, count: count)
  }

  private var wrapped: Self? {
    options["layer"].map {
      Self(
        className: $0["class_name"]?.string ?? "", options: $0["config"]?.object ?? JSONObject())
    }
  }

  /// The extent of an output of one step; of a stack the last cell's.
  private var units: Int? {
    if let units = int("units") { return units }
    guard let cell = options["cell"]?["config"] else { return nil }
    return cell["units"]?.int ?? cell["cells"]?.array?.last?["config"]?["units"]?.int
  }

  func recurrent(_ input: Shape) -> Shape? {
    if className == "Bidirectional" {
      guard let one = wrapped?.recurrent(input), let last = one.last else { return nil }
      switch options["merge_mode"]?.string {
      case "concat": return one.dropLast() + [last.map { 2 * $0 }]
      case .some: return one
      case nil: return nil
      }
    }
    let returnsSequences = options["return_sequences"] == true
    if className.hasPrefix("ConvLSTM") {
      let step = Self(className: "Conv" + className.dropFirst("ConvLSTM".count), options: options)
        .spatial([input[0]] + input.dropFirst(2))
      return step.map { returnsSequences ? [$0[0], input[1]] + $0.dropFirst() : $0 }
    }
    guard input.count == 3, let units else { return nil }
    return returnsSequences ? [input[0], input[1], units] : [input[0], units]
  }
}
