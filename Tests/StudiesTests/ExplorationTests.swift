// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Processor
import Testing

@testable import Studies

@Suite struct ExplorationTests {
  @Test("every combination once, the last axis first")
  func combinations() throws {
    let exploration = Exploration(
      base: .small,
      axes: [
        Exploration.Axis(key: "array.rows", values: ["2", "4"]),
        Exploration.Axis(key: "array.lanes", values: ["4", "8"]),
      ])
    #expect(exploration.combinations == [["2", "4"], ["2", "8"], ["4", "4"], ["4", "8"]])
    #expect(try exploration.description(["2", "8"]).array.multipliers == 16)
    #expect(throws: ConfigurationError.self) { try exploration.description(["0", "8"]) }
  }

  @Test("the Pareto set holds exactly the points that none beats")
  func pareto() {
    func point(
      _ seconds: Double, _ energy: Double, _ area: Double, devices: Int = 1
    ) -> Exploration.Point {
      Exploration.Point(
        values: [], multipliers: 1, cycles: 1, seconds: seconds, coreMillijoules: energy,
        millijoules: energy, squareMillimetres: area, dramDevices: devices,
        utilization: 1)
    }
    let points = [
      point(1, 3, 1), point(2, 2, 1), point(3, 1, 1), point(3, 3, 1), point(2, 2, 1),
      point(2, 2, 2), point(1, 2, 1, devices: 2), point(1, 3, 1, devices: 2),
    ]
    #expect(
      points.map { $0.isParetoOptimal(among: points) }
        == [true, true, true, false, true, false, true, false])
  }

  @Test("A point is a step on its description, and equal points are all optimal")
  func point() throws {
    let workload = try RunSimulationTests.workload(sparsity: 0.5)
    let exploration = Exploration(
      base: .swpu, axes: [Exploration.Axis(key: "array.rows", values: ["2", "4"])])
    let point = try exploration.run(["4"], workload)
    var hardware = HardwareDescription.swpu
    hardware.array.rows = 4
    let simulator = Simulator(hardware)
    let totals = try simulator.step(workload).totals
    #expect(point.multipliers == 512 && point.cycles == totals.cycles)
    #expect(point.seconds == totals.seconds && point.utilization == totals.utilization)
    #expect(point.coreMillijoules == totals.energyPicojoules.core * 1e-9)
    #expect(point.millijoules == totals.energyPicojoules.total * 1e-9)
    #expect(point.squareMillimetres == simulator.energy.area.total)
    #expect(point.isParetoOptimal(among: [point, point]))
  }

  @Test("More bandwidth than a device has costs further devices, and then does not beat less")
  func dram() throws {
    let workload = try RunSimulationTests.workload(sparsity: 0.5)
    let exploration = Exploration(
      base: .swpu,
      axes: [
        Exploration.Axis(key: "memory.dram-gigabytes-per-second", values: ["12.8", "12.9", "51.2"])
      ])
    let points = try exploration.combinations.map { try exploration.run($0, workload) }
    #expect(points.map(\.dramDevices) == [1, 2, 4])
    #expect(points[2].seconds < points[0].seconds)
    #expect(points.allSatisfy { $0.isParetoOptimal(among: points) })
  }
}
