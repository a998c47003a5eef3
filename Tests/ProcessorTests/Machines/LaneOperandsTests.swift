// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct LaneOperandsTests {
  private func workload(
    _ random: RandomCase, input: ((Int) -> Bool)?, gradient: ((Int) -> Bool)?
  ) -> Workload.Layer {
    let geometry = random.geometry
    func mask(_ map: MapShape, _ isZero: ((Int) -> Bool)?) -> ZeroMask? {
      isZero.map { isZero in
        ZeroMask(
          map: map, images: random.images,
          zeros: Bits(count: random.images * map.count) { isZero($0) })
      }
    }
    var layer = Workload.Layer(
      convolution: NetworkDescription.Convolution(
        name: "layer", geometry: geometry, needsInputGradient: true, prunable: true),
      mask: random.mask, granularity: .unstructured, inputSparsity: 0, gradientSparsity: 0)
    layer.inputZeros = mask(geometry.input, input)
    layer.gradientZeros = mask(geometry.output, gradient)
    layer.inputSparsity = layer.inputZeros?.sparsity ?? 0
    layer.gradientSparsity = layer.gradientZeros?.sparsity ?? 0
    return layer
  }

  private func machine(_ machine: HardwareDescription.Machine, _ random: RandomCase)
    -> HardwareDescription
  {
    .baseline(machine, like: random.hardware)
  }

  @Test("positions of zeros give the operands of the definition, summed up independently")
  func definition() {
    for seed in 0..<40 as Range<UInt64> {
      var random = RandomCase(seed: seed, isUniform: true)
      random.hardware.array.cores = 1
      var drawn = SeededRandom(seed: seed, stream: 5)
      let bits = (0..<200_000).map { _ in drawn.below(3) == 0 }
      let layer = workload(random, input: { bits[$0] }, gradient: nil)
      let geometry = random.geometry
      let hardware = machine(.activationOnly, random)
      let work = LayerPass(
        layer: layer, pass: .forward, images: random.images, hardware: hardware)
      let schedule = work.denseSchedule
      guard var lanes = LaneOperands(work, schedule, detects: false) else {
        Issue.record("no mask")
        return
      }
      for item in schedule.cores.joined() {
        let group = schedule.groups[item.group]
        let part = schedule.parts[group.part]
        let tiling = Tiling(part, images: random.images, lanes: hardware.array.lanes)
        for (index, row) in group.rows.enumerated() {
          var expected = 0
          for band in item.bands {
            for column in 0..<tiling.tilesPerBand {
              let tile = tiling.tile(band: band, column: column)
              var slowest = 0
              for image in tile.images {
                for y in tile.rows {
                  for x in tile.columns {
                    var operands = 0
                    let perGroup = geometry.channelsPerGroup
                    let first = row / (geometry.filters / geometry.groups) * perGroup
                    for c in first..<first + perGroup {
                      for r in 0..<geometry.rows {
                        for s in 0..<geometry.columns {
                          let (down, across) = (geometry.vertical, geometry.horizontal)
                          let sy = y * down.stride + r - down.paddingBefore
                          let sx = x * across.stride + s - across.paddingBefore
                          if sy < 0 || sx < 0 || sy >= geometry.input.height
                            || sx >= geometry.input.width
                          {
                            continue
                          }
                          let place =
                            ((image * geometry.input.channels + c) * geometry.input.height + sy)
                            * geometry.input.width + sx
                          if !bits[place] { operands += 1 }
                        }
                      }
                    }
                    slowest = max(slowest, operands)
                  }
                }
              }
              expected += slowest
            }
          }
          #expect(lanes.taken(item)[index] == expected, "seed \(seed)")
        }
      }
    }
  }

  @Test("a mask of nothing but zeros leaves nothing to take, one without zeros everything")
  func extremes() {
    for seed in 0..<20 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      for kind in [HardwareDescription.Machine.activationOnly, .twoSided] {
        for pass in Pass.allCases {
          func issue(_ zero: Bool) -> Int {
            let layer = workload(random, input: { _ in zero }, gradient: { _ in zero })
            return LayerPass(
              layer: layer, pass: pass, images: random.images, hardware: machine(kind, random)
            ).run().timing.issue
          }
          #expect(issue(true) == 0, "seed \(seed) \(kind) \(pass)")
          #expect(issue(false) >= 0)
        }
      }
    }
  }

  @Test("zeros that fall together save less than the same number that fall apart")
  func clusters() {
    var random = RandomCase(seed: 3)
    let map = MapShape(channels: 8, height: 8, width: 8)
    random.geometry = ConvolutionGeometry(input: map, filters: 8, rows: 1, columns: 1)!
    random.mask = LayerMask(
      dense: FilterShape(filters: 8, channels: 8, rows: 1, columns: 1))
    random.images = 1
    random.hardware = .swpu
    func cycles(_ isZero: @escaping (Int) -> Bool) -> Int {
      LayerPass(
        layer: workload(random, input: isZero, gradient: nil), pass: .forward, images: 1,
        hardware: machine(.activationOnly, random)
      ).run().timing.issue
    }
    // Half of each lane's channels, or all channels of every second lane.
    #expect(cycles { $0 / 64 % 2 == 0 } * 2 == cycles { $0 % 2 == 0 })
  }

  @Test("a batch repeats the images of a mask, and a transposed layer swaps its masks")
  func repeats() {
    let map = MapShape(channels: 1, height: 1, width: 2)
    let mask = ZeroMask(map: map, images: 2, zeros: Bits(count: 4) { $0 == 0 || $0 == 3 })
    #expect(mask.sparsity == 0.5)
    #expect(
      (0..<4).map { mask.isZero(image: $0, place: 0) } == [true, false, true, false])
    let random = RandomCase(seed: 1)
    var layer = workload(random, input: { _ in true }, gradient: { _ in false })
    layer.convolution.isTransposed = true
    let lowered = layer.lowered(.forward).layer
    #expect(lowered.inputZeros == layer.gradientZeros && lowered.gradientZeros == layer.inputZeros)
  }
}
