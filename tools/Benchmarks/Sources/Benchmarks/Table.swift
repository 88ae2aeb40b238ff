import Foundation

/// Prints measurements as a table. A share says which part of its ceiling's speed a variant reaches.
func printTable(
  _ title: String, _ measurements: [Measurement], elements: Int, bytesPerElement: Int? = nil
) {
  print("\n\(title)")
  print(row("", "median", "min", "per element", "GB/s", "share"))
  for measurement in measurements {
    let ceiling = measurements.first { $0.name == measurement.ceiling }
    print(
      row(
        measurement.name, time(measurement.median), time(measurement.minimum),
        String(format: "%.3f ns", measurement.median / Double(elements)),
        bytesPerElement.map {
          String(format: "%.1f", Double($0 * elements) / measurement.median)
        } ?? "",
        ceiling.map { String(format: "%.3f of %@", share(of: measurement, $0), $0.name) } ?? ""))
  }
}

/// The median ratio of the ceiling's time to the measurement's, repetition by repetition.
func share(of measurement: Measurement, _ ceiling: Measurement) -> Double {
  let ratios = zip(ceiling.times, measurement.times).map { $0 / $1 }.sorted()
  return ratios[ratios.count / 2]
}

private func row(_ cells: String...) -> String {
  zip(cells, [36, 12, 12, 12, 8, 24]).enumerated().map { index, cell in
    let padding = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
    return index == 0 || index == 5 ? cell.0 + padding : padding + cell.0 + (index == 4 ? "  " : "")
  }.joined()
}

private func time(_ nanoseconds: Double) -> String {
  nanoseconds < 1e6
    ? String(format: "%.2f us", nanoseconds / 1e3) : String(format: "%.3f ms", nanoseconds / 1e6)
}
