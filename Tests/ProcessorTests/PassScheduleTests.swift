// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

/// How items of work are shared among the cores.
@Suite struct PassScheduleTests {
  /// Cases whose items differ in work, so that the order in which they are scheduled shows.
  private func scenarios() -> [(schedule: PassSchedule, lanes: Int)] {
    (0..<60 as Range<UInt64>).flatMap { seed in
      var random = RandomCase(seed: seed, largestMap: 16, largestPlanes: 24)
      random.hardware.array.cores = 2 + Int(seed % 3)
      return Pass.allCases.map {
        let schedule = PassSchedule(
          random.geometry, mask: random.mask, pass: $0, images: random.images,
          hardware: random.hardware)
        return (schedule, random.hardware.array.lanes)
      }
    }
  }

  @Test("The longest item left goes to the core with the least work")
  func longestFirst() {
    var uneven = 0
    for (schedule, _) in scenarios() {
      let works = schedule.cores.joined().map(\.work).sorted(by: >)
      if Set(works).count > 2 { uneven += 1 }
      var loads = [Int](repeating: 0, count: schedule.cores.count)
      for work in works {
        let least = loads.indices.min { loads[$0] < loads[$1] }!
        loads[least] += work
      }
      let found = schedule.cores.map { $0.reduce(0) { $0 + $1.work } }
      #expect(found.sorted() == loads.sorted())
      for items in schedule.cores {
        #expect(items.map(\.work) == items.map(\.work).sorted(by: >))
      }
    }
    #expect(uneven > 60, "items of \(uneven) schedules differ")
  }

  @Test("An item's work is for each window the slowest row or the loads, whichever is longer")
  func work() {
    for (schedule, _) in scenarios() {
      for item in schedule.cores.joined() {
        let group = schedule.groups[item.group]
        let plan = group.plans[item.order]
        let order = schedule.orders[group.part][item.order]
        var expected = 0
        for (tileClass, count) in order.counts.enumerated() {
          let set = plan.sets[plan.setOfClass[tileClass]]
          let windows = schedule.pass == .weightGradient ? item.windows : 0..<set.windows
          for window in windows {
            let issues = (0..<plan.rowCount).map { Int(set.issues[window * plan.rowCount + $0]) }
            expected += count * max(issues.max() ?? 0, plan.loadCycles[tileClass][window])
          }
        }
        #expect(item.work == expected)
      }
    }
  }

  @Test("Every group's tiles, or windows, are scheduled once, in four items a core or more")
  func completeness() {
    for (schedule, lanes) in scenarios() {
      for index in schedule.groups.indices {
        let items = schedule.cores.joined().filter { $0.group == index }
        let ranges = items.map { schedule.pass == .weightGradient ? $0.windows : $0.bands }
          .sorted { $0.lowerBound < $1.lowerBound }
        #expect(ranges.first?.lowerBound == 0)
        for (a, b) in zip(ranges, ranges.dropFirst()) { #expect(a.upperBound == b.lowerBound) }
        let group = schedule.groups[index]
        let end =
          schedule.pass == .weightGradient
          ? group.plans[0].fixedWindows
          : Tiling(schedule.parts[group.part], images: schedule.images, lanes: lanes).bands
        #expect(ranges.last?.upperBound == end)
      }
    }
  }
}
