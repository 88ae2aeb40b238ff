import Tensors

/// A few elements as numbers that the kernels take.
enum ElementBlock {
  case single(UnsafeBufferPointer<Float>)
  case double(UnsafeBufferPointer<Double>)

  /// So many elements at most, so that they stay in the fastest cache.
  static let maximumCount = 4096

  var count: Int {
    switch self {
    case .single(let elements): elements.count
    case .double(let elements): elements.count
    }
  }
}

/// In which numbers the elements of a dtype are looked at: the smallest that hold them all. Of 64-bit
/// integers beyond 2^53 the nearest double is taken.
enum ElementWidth: Sendable {
  case single, double

  init(_ dtype: DType) {
    switch dtype {
    case .float32, .float16, .bfloat16, .int8, .uint8, .int16, .uint16, .bool: self = .single
    case .float64, .int32, .uint32, .int64, .uint64: self = .double
    }
  }
}

/// Cuts the bytes of a tensor into blocks; not for several threads at once.
struct ElementBlocks: ~Copyable {
  private let dtype: DType
  private let converted: UnsafeMutableRawBufferPointer

  init(_ dtype: DType) {
    self.dtype = dtype
    converted = .allocate(byteCount: 8 * ElementBlock.maximumCount, alignment: 64)
  }

  deinit { converted.deallocate() }

  /// Calls `body` with all elements, block after block; a block lasts as long as the call.
  func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (ElementBlock) -> Void) {
    switch dtype {
    case .float32: cut(bytes, of: Float.self) { body(.single($0)) }
    case .float64: cut(bytes, of: Double.self) { body(.double($0)) }
    case .float16: convert(bytes, of: Float16.self, body) { Float($0) }
    case .bfloat16:
      convert(bytes, of: UInt16.self, body) { Float(bitPattern: UInt32($0) << 16) }
    case .int8: convert(bytes, of: Int8.self, body) { Float($0) }
    case .int16: convert(bytes, of: Int16.self, body) { Float($0) }
    case .uint8: convert(bytes, of: UInt8.self, body) { Float($0) }
    case .uint16: convert(bytes, of: UInt16.self, body) { Float($0) }
    case .bool: convert(bytes, of: UInt8.self, body) { $0 == 0 ? 0 : Float(1) }
    case .int32: convert(bytes, of: Int32.self, body) { Double($0) }
    case .int64: convert(bytes, of: Int64.self, body) { Double($0) }
    case .uint32: convert(bytes, of: UInt32.self, body) { Double($0) }
    case .uint64: convert(bytes, of: UInt64.self, body) { Double($0) }
    }
  }

  private func cut<Element>(
    _ bytes: UnsafeRawBufferPointer, of _: Element.Type,
    _ body: (UnsafeBufferPointer<Element>) -> Void
  ) {
    let elements = bytes.assumingMemoryBound(to: Element.self)
    for start in stride(from: 0, to: elements.count, by: ElementBlock.maximumCount) {
      let end = min(start + ElementBlock.maximumCount, elements.count)
      body(UnsafeBufferPointer(rebasing: elements[start..<end]))
    }
  }

  @inline(__always)
  private func convert<Element>(
    _ bytes: UnsafeRawBufferPointer, of _: Element.Type, _ body: (ElementBlock) -> Void,
    _ number: (Element) -> Float
  ) {
    let numbers = converted.bindMemory(to: Float.self)
    cut(bytes, of: Element.self) { elements in
      for index in elements.indices { numbers[index] = number(elements[index]) }
      body(.single(UnsafeBufferPointer(rebasing: numbers[..<elements.count])))
    }
  }

  @inline(__always)
  private func convert<Element>(
    _ bytes: UnsafeRawBufferPointer, of _: Element.Type, _ body: (ElementBlock) -> Void,
    _ number: (Element) -> Double
  ) {
    let numbers = converted.bindMemory(to: Double.self)
    cut(bytes, of: Element.self) { elements in
      for index in elements.indices { numbers[index] = number(elements[index]) }
      body(.double(UnsafeBufferPointer(rebasing: numbers[..<elements.count])))
    }
  }
}
