import Inspection
import Testing

@Suite("An estimate of progress") struct ProgressEstimateTests {
  @Test("tells share, rate and time left")
  func line() {
    var estimate = ProgressEstimate(total: 4 << 30)
    for second in 0...4 { estimate.update(bytes: second << 28, seconds: Double(second)) }
    #expect(
      estimate.line("verifying") == "verifying  25 %  1.0 GiB of 4.0 GiB  256.0 MiB/s  12 s left")
  }

  @Test("leaves out what tells least where the terminal is narrow")
  func narrow() {
    var estimate = ProgressEstimate(total: 4 << 30)
    for second in 0...4 { estimate.update(bytes: second << 28, seconds: Double(second)) }
    let lines = [
      (60, "verifying  25 %  1.0 GiB of 4.0 GiB  256.0 MiB/s  12 s left"),
      (59, "verifying  25 %  256.0 MiB/s  12 s left"), (39, "verifying  25 %  12 s left"),
      (26, "25 %  12 s left"), (15, "25 %"), (4, ""), (1, ""),
    ]
    for (columns, line) in lines {
      #expect(estimate.line("verifying", columns: columns) == line)
    }
    #expect(estimate.line("写入", columns: 21) == "25 %  12 s left")
    #expect(estimate.line("写入", columns: 22) == "写入  25 %  12 s left")
  }

  @Test("goes by the rate of the last seconds")
  func changingRate() {
    var estimate = ProgressEstimate(total: 100 << 20)
    for second in 0...10 { estimate.update(bytes: second << 20, seconds: Double(second)) }
    for second in 11...20 {
      estimate.update(bytes: (10 + (second - 10) * 2) << 20, seconds: Double(second))
    }
    #expect(estimate.rate == Double(2 << 20))
  }

  @Test("says nothing of a rate before there is one, nor of an end that is not known")
  func little() {
    var estimate = ProgressEstimate(total: 0)
    #expect(estimate.line("reading") == "reading  0 B")
    estimate.update(bytes: 2048, seconds: 1)
    #expect(estimate.line("reading") == "reading  2.0 KiB")
  }

  @Test("never tells that work is done")
  func beyond() {
    var estimate = ProgressEstimate(total: 100)
    estimate.update(bytes: 0, seconds: 0)
    estimate.update(bytes: 200, seconds: 1)
    #expect(estimate.line("x").hasPrefix("x  99 %  100 B of 100 B"))
  }
}
