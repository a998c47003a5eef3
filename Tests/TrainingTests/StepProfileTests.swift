// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor
import Testing

@testable import Training

@Suite("Step profile") struct StepProfileTests {
  @Test("a run's profile has every part of both steps, in the order of the computation")
  func summary() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    let trainer = try Trainer(
      TrainerTests.configuration(), data: TrainerTests.data, engine: Engine(threads: 2),
      folder: folder)
    _ = try trainer.run()
    try trainer.write(trainer.summarize())
    let profile = try #require(try folder.readSummary()?.profile)
    #expect(profile.steps == 7)
    let layers = trainer.model.network.nodes.map(\.name)
    func names(_ part: StepProfile.Part) -> [String] {
      profile.entries.filter { $0.part == part }.compactMap(\.layer)
    }
    #expect(names(.forward) == layers)
    let convolutions = trainer.model.convolutions.map(\.name)
    #expect(names(.weightGradient) == convolutions.reversed())
    #expect(names(.inputGradient) == convolutions.reversed())
    #expect(
      names(.backward) == layers.reversed().filter { !convolutions.contains($0) })
    for part in [StepProfile.Part.staging, .loss, .optimiser] {
      #expect(profile.entries.filter { $0.part == part && $0.layer == nil }.count == 1)
    }
    #expect(profile.entries.allSatisfy { $0.milliseconds >= 0 && $0.denseMilliseconds >= 0 })
    #expect(profile.entries.reduce(0) { $0 + $1.denseMilliseconds } > 0)
  }

  @Test("a profiled step computes the same bits")
  func sameBits() throws {
    func gradients(_ clock: StepClock?) throws -> [Data] {
      let network = try ModelName.resnet20.network(
        input: MapShape(channels: 3, height: 16, width: 16), classes: 10, width: 0.25)
      let model = try Model(network, engine: Engine(threads: 2), batch: 8, seed: 5)
      var random = SeededRandom(seed: 9)
      model.stage((0..<8 * 3 * 256).map { _ in random.normal() })
      clock?.start()
      model.forward(images: 8, training: true, seed: 1, clock: clock)
      _ = model.evaluate(
        SoftmaxCrossEntropy(), labels: (0..<8).map { Int32($0) }, images: 8)
      model.backward(images: 8, seed: 1, denseGradients: false, observes: false, clock: clock)
      return model.parameters.map { $0.gradient.bytes() }
    }
    #expect(try gradients(nil) == gradients(StepClock()))
  }

  @Test("the clock gives each part its time, step after step")
  func clock() {
    let clock = StepClock()
    for _ in 0..<3 {
      clock.start()
      Thread.sleep(forTimeInterval: 0.004)
      clock.lap(.forward, of: "slow")
      clock.lap(.loss)
    }
    #expect(clock.laps.map(\.part) == [.forward, .loss])
    #expect(clock.laps[0].samples.milliseconds.count == 3)
    #expect(clock.laps[0].samples.median >= 4)
    // The shortest: another program may take the processor for a while.
    #expect((clock.laps[1].samples.milliseconds.min() ?? 4) < 4)
  }
}
