// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Pruning

@Suite struct PruningScheduleTests {
  @Test func gradualLandmarks() {
    let schedule = PruningSchedule(
      PruningConfiguration(sparsity: 0.9), totalSteps: 8000, stepsPerEpoch: 390)
    #expect(schedule.density(at: 0) == 0.5)
    #expect(abs(schedule.density(at: 2000) - (0.1 + 0.4 / 8)) < 1e-12)
    for step in [4000, 4001, 6000, 8000] { #expect(abs(schedule.density(at: step) - 0.1) < 1e-12) }
    for step in 1..<4000 { #expect(schedule.density(at: step) <= schedule.density(at: step - 1)) }
    #expect(schedule.frozenFrom == 6000)
    for step in [0, 100, 3999] { #expect(schedule.growFraction(at: step) == 0) }
    #expect(abs(schedule.growFraction(at: 4000) - 0.075) < 1e-12)
    #expect(schedule.growFraction(at: 6000) == 0)
    #expect(schedule.growFraction(at: 7000) == 0)
    let updates = (0...8000).filter { schedule.isUpdate(at: $0) }
    #expect(updates == Array(stride(from: 100, to: 6000, by: 100)))
    #expect(
      (0..<8000).filter { schedule.movesShapes(at: $0) }.prefix(4) == [100, 400, 800, 1200])
  }

  @Test func dynamicIsAtTheTargetFromTheStart() {
    let schedule = PruningSchedule(
      PruningConfiguration(sparsity: 0.75, schedule: .dynamic), totalSteps: 1000, stepsPerEpoch: 50)
    for step in 0..<1000 { #expect(schedule.density(at: step) == 0.25) }
  }

  @Test func rampExchangeAndFreezeAreWhereTheConfigurationPutsThem() {
    func schedule(_ configuration: PruningConfiguration) -> PruningSchedule {
      PruningSchedule(configuration, totalSteps: 8000, stepsPerEpoch: 390)
    }
    let ramp = schedule(PruningConfiguration(startDensity: 1, rampEnd: 0.25))
    #expect(ramp.density(at: 0) == 1)
    #expect(abs(ramp.density(at: 1000) - (0.1 + 0.9 / 8)) < 1e-12)
    #expect(abs(ramp.density(at: 2000) - 0.1) < 1e-12 && ramp.density(at: 1999) > 0.1)
    #expect(ramp.growFraction(at: 1999) == 0 && ramp.growFraction(at: 2000) > 0)

    let exchange = schedule(PruningConfiguration(exchangeFrom: 0))
    #expect(exchange.growFraction(at: 0) == 0.3)
    #expect(abs(exchange.growFraction(at: 3000) - 0.15) < 1e-12)

    let freeze = schedule(PruningConfiguration(exchangeFrom: 0, freezeFrom: 0.9))
    #expect(freeze.frozenFrom == 7200)
    #expect(freeze.isUpdate(at: 7100) && !freeze.isUpdate(at: 7200))
    #expect(abs(freeze.growFraction(at: 3600) - 0.15) < 1e-12)

    // An end of the ramp between two updates is an additional update.
    let between = schedule(PruningConfiguration(rampEnd: 0.25625))
    #expect((2001..<2200).filter { between.isUpdate(at: $0) } == [2050, 2100])
  }

  @Test func shortRunsUpdateAtLeastEightTimes() {
    for (steps, interval) in [(8000, 100), (800, 100), (400, 50), (100, 12), (8, 1), (0, 1)] {
      let schedule = PruningSchedule(
        PruningConfiguration(updateInterval: 100), totalSteps: steps, stepsPerEpoch: 10)
      #expect(schedule.updateInterval == interval, "\(steps) steps")
    }
  }

  @Test func sparseFromScratchExchangesAfterATenth() {
    let schedule = PruningSchedule(
      PruningConfiguration(schedule: .dynamic), totalSteps: 1000, stepsPerEpoch: 50)
    #expect(schedule.growFraction(at: 99) == 0 && schedule.growFraction(at: 100) > 0.28)
  }

  @Test func startsNoSparserThanTheTarget() {
    let schedule = PruningSchedule(
      PruningConfiguration(sparsity: 0.2), totalSteps: 100, stepsPerEpoch: 10)
    for step in 0..<100 { #expect(schedule.density(at: step) == 0.8) }
  }

  @Test(arguments: [
    PruningConfiguration(), PruningConfiguration(schedule: .dynamic),
    PruningConfiguration(rampEnd: 0.33, freezeFrom: 0.33),
    PruningConfiguration(rampEnd: 1, freezeFrom: 1), PruningConfiguration(rampEnd: 0),
  ])
  func everyRunMeetsItsTarget(configuration: PruningConfiguration) {
    for total in 0...300 {
      let schedule = PruningSchedule(configuration, totalSteps: total, stepsPerEpoch: 7)
      #expect(schedule.updateInterval >= 1 && schedule.frozenFrom <= total)
      var density = schedule.density(at: 0)
      var epochs: Set<Int> = []
      for step in 0..<total {
        if schedule.isUpdate(at: step) { density = schedule.density(at: step) }
        if schedule.movesShapes(at: step) {
          #expect(schedule.isUpdate(at: step))
          #expect(epochs.insert(step / 7).inserted, "shapes move once an epoch")
        }
        if step >= schedule.frozenFrom {
          #expect(!schedule.isUpdate(at: step) && schedule.growFraction(at: step) == 0)
        }
      }
      let updated = Set((0..<total).filter { schedule.isUpdate(at: $0) }.map { $0 / 7 })
      #expect(updated == epochs)
      if total > 0 { #expect(abs(density - 0.1) < 1e-12, "\(total) steps") }
    }
  }

  @Test func configurationsAreChecked() throws {
    try PruningConfiguration().validate()
    try PruningConfiguration(granularity: .line, balanced: .both, blockSide: 2).validate()
    func field(_ configuration: PruningConfiguration) -> String? {
      do {
        try configuration.validate()
        return nil
      } catch { return error.field }
    }
    #expect(field(PruningConfiguration(sparsity: 1)) == "sparsity")
    #expect(field(PruningConfiguration(sparsity: .nan)) == "sparsity")
    #expect(field(PruningConfiguration(startDensity: 0)) == "startDensity")
    #expect(field(PruningConfiguration(rampEnd: 1.1)) == "rampEnd")
    #expect(field(PruningConfiguration(exchangeFrom: -0.1)) == "exchangeFrom")
    #expect(field(PruningConfiguration(exchangeFrom: .nan)) == "exchangeFrom")
    #expect(field(PruningConfiguration(freezeFrom: 2)) == "freezeFrom")
    #expect(field(PruningConfiguration(rampEnd: 0.6, freezeFrom: 0.5)) == "freezeFrom")
    #expect(field(PruningConfiguration(schedule: .dynamic, rampEnd: 1, freezeFrom: 0)) == nil)
    #expect(field(PruningConfiguration(granularity: .filter, balanced: .filters)) == "balanced")
    #expect(field(PruningConfiguration(shapeShare: 1.5)) == "shapeShare")
    #expect(field(PruningConfiguration(updateInterval: 0)) == "updateInterval")
    #expect(field(PruningConfiguration(growFraction: 1)) == "growFraction")
    #expect(field(PruningConfiguration(shapeUpdateFraction: -0.1)) == "shapeUpdateFraction")
    #expect(field(PruningConfiguration(minimumShapeFraction: 2)) == "minimumShapeFraction")
    #expect(field(PruningConfiguration(blockSide: 3)) == "blockSide")
  }
}
