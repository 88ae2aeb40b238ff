/// Statistics of a tensor as cells of a line for people.
enum StatisticsCells {
  static let titles = [
    "min", "5%", "median", "95%", "max", "mean", "deviation", "min to max", "",
  ]

  /// The columns that hold numbers stand first.
  static let numberCount = 7

  /// Four digits are enough to look at; JSON has all of them.
  static func cells(_ statistics: TensorStatistics) -> [StyledText] {
    func number(_ value: Double?) -> StyledText {
      StyledText(value.map { Readable.rounded($0, digits: 4) } ?? "")
    }
    let distribution = statistics.distribution
    let numbers =
      if statistics.count == 1 {
        [nil, nil, statistics.minimum, nil, nil, nil, nil]
      } else {
        [
          statistics.minimum, distribution?.quantile(0.05), distribution?.quantile(0.5),
          distribution?.quantile(0.95), statistics.maximum, statistics.mean,
          statistics.standardDeviation,
        ]
      }
    let histogram = distribution?.histogram
    let line = histogram.flatMap { $0.counts.count > 1 ? $0.sparkline : nil } ?? ""
    return numbers.map(number) + [StyledText(line), remarks(statistics)]
  }

  /// What is not an ordinary number.
  private static func remarks(_ statistics: TensorStatistics) -> StyledText {
    var remarks: [StyledText] = []
    if statistics.nanCount > 0 {
      remarks.append("\(Readable.count(statistics.nanCount)) NaN".styled(.bad))
    }
    if statistics.infinityCount > 0 {
      remarks.append("\(Readable.count(statistics.infinityCount)) infinite".styled(.bad))
    }
    if statistics.zeroCount > 0 {
      let share = Readable.share(statistics.zeroCount, of: statistics.count)
      remarks.append(
        statistics.zeroCount == statistics.count
          ? "all zero" : "\(Readable.count(statistics.zeroCount)) zero (\(share))")
    } else if statistics.finiteCount == statistics.count, statistics.count > 1,
      statistics.minimum == statistics.maximum
    {
      remarks.append("all equal")
    }
    var text = StyledText()
    for (index, remark) in remarks.enumerated() { text += (index > 0 ? ", " : "") + remark }
    return text
  }
}
