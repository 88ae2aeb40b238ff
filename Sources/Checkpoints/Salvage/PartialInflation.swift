import CZlib

/// Deflated data that may be damaged or cut short: as much as can be had of them.
enum PartialInflation {
  /// Inflates up to the first damage.
  ///
  /// - Parameter limit: more is not asked for.
  /// - Returns: what there is, and whether the data came to their own end.
  static func inflate(_ bytes: [UInt8], atMost limit: Int) -> (content: [UInt8], isWhole: Bool) {
    var content: [UInt8] = []
    let isWhole = inflate(bytes) { piece in
      content += piece.prefix(limit - content.count)
      return content.count < limit
    }
    return (content, isWhole || content.count == limit)
  }

  /// - Parameter take: gets what is inflated, piece by piece, and says whether it wants more.
  static func inflate(_ bytes: [UInt8], take: (UnsafeRawBufferPointer) -> Bool) -> Bool {
    var stream = z_stream()
    // Raw deflate, without zlib's own header.
    guard
      inflateInit2_(
        &stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return false }
    defer { inflateEnd(&stream) }
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { output.deallocate() }
    var input = bytes
    return input.withUnsafeMutableBufferPointer { input in
      var consumed = 0
      while true {
        let window = min(input.count - consumed, 1 << 30)
        stream.next_in = input.baseAddress.map { $0 + consumed }
        stream.avail_in = UInt32(window)
        stream.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(output.count)
        let code = CZlib.inflate(&stream, Z_NO_FLUSH)
        consumed += window - Int(stream.avail_in)
        let made = output.count - Int(stream.avail_out)
        let wantsMore = made == 0 || take(UnsafeRawBufferPointer(rebasing: output[..<made]))
        if code == Z_STREAM_END { return true }
        guard code == Z_OK, wantsMore, made > 0 || consumed < input.count else { return false }
      }
    }
  }
}
