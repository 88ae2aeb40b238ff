import KerasConfiguration
import Tensors

/// A tensor seen from far away: its elements as a matrix, blocks of it averaged into cells.
///
/// The last axis runs along the columns, all others along the rows; a vector is one row. Built up from pieces
/// in any order.
struct Heatmap {
  /// Of the matrix that is pictured.
  let sourceRows: Int
  let sourceColumns: Int
  /// In cells, none of which is empty.
  let rows: Int
  let columns: Int
  /// How many rows of the matrix one slice of the last two axes is.
  private let rowsPerSlice: Int
  private var sums: [Double]
  /// How many finite elements the cells' sums are of.
  private var counts: [Int]

  /// Nil for a tensor without a shape to picture: a scalar, or one without elements.
  ///
  /// - Parameter edge: the largest number of cells along either side.
  init?(of shape: Shape, edge: Int) {
    guard shape.rank > 0, shape.elementCount > 1 else { return nil }
    sourceColumns = shape[shape.rank - 1]
    sourceRows = shape.elementCount / sourceColumns
    rows = min(edge, sourceRows)
    columns = min(edge, sourceColumns)
    rowsPerSlice = shape.rank > 1 ? shape[shape.rank - 2] : 1
    sums = [Double](repeating: 0, count: rows * columns)
    counts = [Int](repeating: 0, count: rows * columns)
  }

  /// Adds some elements.
  ///
  /// - Parameter position: of the first in the whole tensor, counted row-major.
  mutating func add(_ piece: Tensor, at position: Int) {
    add(at: position) { body in
      piece.dtype.withElementType { type in Self.visit(piece, as: type, body) }
    }
  }

  /// Adds what changed from one piece to another at the same place.
  mutating func add(from before: Tensor, to after: Tensor, at position: Int) {
    precondition(before.shape == after.shape && before.dtype == after.dtype)
    add(at: position) { body in
      after.dtype.withElementType { type in Self.visit(before, after, as: type, body) }
    }
  }

  private mutating func add(at position: Int, _ visit: ((Double) -> Void) -> Void) {
    // What a column falls into is the same for every row.
    let cellColumn = (0..<sourceColumns).map { $0 * columns / sourceColumns }
    var row = position / sourceColumns
    var column = position % sourceColumns
    var cellRow = row * rows / sourceRows * columns
    sums.withUnsafeMutableBufferPointer { sums in
      counts.withUnsafeMutableBufferPointer { counts in
        visit { value in
          if value.isFinite {
            let cell = cellRow + cellColumn[column]
            sums[cell] += value
            counts[cell] += 1
          }
          column += 1
          if column == sourceColumns {
            column = 0
            row += 1
            cellRow = row * rows / sourceRows * columns
          }
        }
      }
    }
  }

  private static func visit<Element: TensorElement>(
    _ tensor: Tensor, as _: Element.Type, _ body: (Double) -> Void
  ) {
    tensor.withElements(of: Element.self) { elements in
      for index in elements.indices { body(elements[index].number.double) }
    }
  }

  private static func visit<Element: TensorElement>(
    _ before: Tensor, _ after: Tensor, as _: Element.Type, _ body: (Double) -> Void
  ) {
    before.withElements(of: Element.self) { a in
      after.withElements(of: Element.self) { b in
        for index in a.indices { body(b[index].number.double - a[index].number.double) }
      }
    }
  }
}

extension Heatmap {
  /// The code of a cell without a finite element.
  private static let notFinite: UInt8 = 255

  /// The rows of cells before which a slice of the last two axes begins; none when slices are thinner
  /// than a cell.
  private var separators: [Int] {
    guard rowsPerSlice < sourceRows, sourceRows / rowsPerSlice < rows else { return [] }
    return stride(from: rowsPerSlice, to: sourceRows, by: rowsPerSlice).map {
      $0 * rows / sourceRows
    }
  }

  /// Keys `title`, `measure`, `rows`, `columns`, `sourceRows`, `sourceColumns`, `low`, `high`, `separators`
  /// and `cells`: base64 of a byte each, 0 for `low` to 254 for `high`, 255 where nothing is finite.
  func json(title: String, measure: String) -> JSONValue {
    let means = zip(sums, counts).map { sum, count in count > 0 ? sum / Double(count) : .nan }
    let finite = means.filter(\.isFinite)
    let low = finite.min() ?? 0
    let high = finite.max() ?? 0
    let codes = means.map { mean -> UInt8 in
      guard mean.isFinite else { return Self.notFinite }
      return high > low ? UInt8(((mean / 2 - low / 2) / (high / 2 - low / 2) * 254).rounded()) : 127
    }
    return [
      "title": .string(title), "measure": .string(measure), "rows": JSONValue(rows),
      "columns": JSONValue(columns), "sourceRows": JSONValue(sourceRows),
      "sourceColumns": JSONValue(sourceColumns), "low": JSONValue(low), "high": JSONValue(high),
      "separators": .array(separators.map { JSONValue($0) }), "cells": .string(codes.base64),
    ]
  }
}

extension [UInt8] {
  /// RFC 4648, with padding.
  var base64: String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((count + 2) / 3 * 4)
    for start in stride(from: 0, to: count, by: 3) {
      let group = self[start..<Swift.min(start + 3, count)]
      let bits = (0..<3).reduce(0) { bits, offset in
        bits << 8 | (offset < group.count ? Int(group[start + offset]) : 0)
      }
      for digit in 0..<4 {
        text.append(
          digit <= group.count
            ? alphabet[bits >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
