// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct MemoryPlanTests {
  private func plan(
    _ random: RandomCase, _ pass: Pass, kibibytes: [Int], computeCycles: Int = 10_000
  ) -> MemoryPlan? {
    var hardware = random.hardware
    hardware.memory.activationKibibytes = kibibytes[0]
    hardware.memory.weightKibibytes = kibibytes[1]
    hardware.memory.outputKibibytes = kibibytes[2]
    hardware.memory.maskKibibytes = kibibytes[3]
    return try? MemoryPlan(
      random.geometry, pass: pass, images: random.images, storedWeights: random.mask.keptElements,
      maskBits: random.mask.shape.count, computeCycles: computeCycles, hardware: hardware)
  }

  private func large(_ seed: UInt64) -> RandomCase {
    RandomCase(seed: seed, largestMap: 40, largestPlanes: 48)
  }

  @Test("more of any memory never moves more")
  func monotone() {
    for seed in 0..<5 as Range<UInt64> {
      let random = large(seed)
      for pass in Pass.allCases {
        for memory in 0..<4 {
          var kibibytes = [8, 4, 8, 2]
          var before = Int.max
          for _ in 0..<4 {
            if let plan = plan(random, pass, kibibytes: kibibytes) {
              #expect(plan.traffic.total <= before, "\(seed) \(pass) \(memory)")
              #expect(plan.traffic.total >= plan.compulsory.total, "\(seed) \(pass)")
              before = plan.traffic.total
            } else {
              #expect(before == Int.max, "\(seed) \(pass) fitted less memory")
            }
            kibibytes[memory] *= 3
          }
        }
      }
    }
  }

  @Test("with room for everything each tensor moves once")
  func compulsory() {
    for seed in 0..<40 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let geometry = random.geometry
      for pass in Pass.allCases {
        guard let plan = plan(random, pass, kibibytes: [4096, 4096, 4096, 4096]) else {
          Issue.record("\(seed) does not fit")
          continue
        }
        #expect(plan.traffic == plan.compulsory, "\(seed) \(pass)")
        let weights = random.mask.keptElements
        let (input, output) = (
          geometry.input.count * random.images * 16, geometry.output.count * random.images * 16
        )
        let traffic = plan.traffic
        #expect(traffic.maskBits == random.mask.shape.count, "\(seed)")
        switch pass {
        case .forward:
          #expect(traffic.resultBits == output, "\(seed)")
          #expect(traffic.weightBits == weights * 16, "\(seed)")
          #expect(traffic.sourceBits <= input, "\(seed)")
        case .inputGradient:
          #expect(traffic.resultBits == input, "\(seed)")
          #expect(traffic.sourceBits <= output, "\(seed)")
        case .weightGradient:
          #expect(traffic.resultBits == weights * 32, "\(seed)")
          #expect(traffic.gradientBits == output, "\(seed)")
          #expect(traffic.sourceBits <= input, "\(seed)")
          #expect(traffic.weightBits == 0, "\(seed)")
        }
      }
    }
  }

  @Test("source rows of a band are those that the definition of a convolution reads")
  func rows() {
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed, largestMap: 14)
      let geometry = random.geometry
      for pass in Pass.allCases {
        let blocked = BlockedPass(
          geometry, pass: pass, images: 1, storedWeights: 1, maskBits: 1, operandBits: 16)
        for start in 0..<blocked.rows {
          for end in start + 1...blocked.rows {
            var read = Set<Int>()
            for outputRow in 0..<geometry.output.height {
              for tap in 0..<geometry.rows {
                let inputRow =
                  outputRow * geometry.vertical.stride + geometry.vertical.offset(tap)
                if inputRow < 0 || inputRow >= geometry.input.height { continue }
                let isInputGradient = pass == .inputGradient
                let (own, other) = isInputGradient ? (inputRow, outputRow) : (outputRow, inputRow)
                if (start..<end).contains(own) { read.insert(other) }
              }
            }
            // A stride larger than the kernel may leave rows between that no row gathers.
            let found = blocked.sourceRows(start..<end)
            #expect(found >= read.count, "\(seed) \(pass) \(start)..<\(end)")
            if pass != .inputGradient || geometry.vertical.dilation > 1
              || geometry.rows >= geometry.vertical.stride
            {
              #expect(found == read.count, "\(seed) \(pass) \(start)..<\(end)")
            }
          }
        }
      }
    }
  }

  @Test("blocks moved one after the other are the traffic of the formula; all parts sum")
  func pipeline() {
    for seed in 0..<40 as Range<UInt64> {
      let random = large(seed)
      var numbers = SeededRandom(seed: seed, stream: 9)
      for pass in Pass.allCases {
        let blocked = BlockedPass(
          random.geometry, pass: pass, images: random.images,
          storedWeights: random.mask.keptElements, maskBits: 1000, operandBits: 16)
        func size(_ count: Int) -> Int { 1 + numbers.below(count) }
        let rows = size(blocked.rows)
        let cut = BlockedPass.Cut(
          groups: size(blocked.groups), images: rows < blocked.rows ? 1 : size(blocked.images),
          rows: rows, outputPlanes: size(blocked.outputPlanes),
          sourcePlanes: size(blocked.sourcePlanes))
        // A bundle of several groups is not cut any further.
        if cut.groups > 1
          && (cut.outputPlanes < blocked.outputPlanes || cut.sourcePlanes < blocked.sourcePlanes)
        {
          continue
        }
        if blocked.counts(cut).blocks > 3000 { continue }
        for order in blocked.orders {
          let pipeline = BlockPipeline(
            blocked, cut: cut, order: order, computeCycles: 12_345, hardware: random.hardware)
          let traffic = BlockSearch(blocked, hardware: random.hardware).traffic(cut, order: order)
          #expect(pipeline.bits == traffic.total, "\(seed) \(pass) \(cut)")
        }
      }
      guard let plan = plan(random, .forward, kibibytes: [16, 8, 16, 4]) else { continue }
      #expect(plan.cycles == plan.computeBound + plan.dramWait + plan.fill, "\(seed)")
      #expect(plan.dramWait >= 0 && plan.fill > 0 && plan.computeBound == 10_000, "\(seed)")
      // The DRAM is busy for at most all of the cycles.
      let busy = random.hardware.transferCycles(bits: plan.traffic.total)
      #expect(plan.cycles >= busy, "\(seed)")
    }
  }

  @Test("a pass that computes long enough stalls on its first load and last store only")
  func computeBound() {
    for seed in 0..<10 as Range<UInt64> {
      guard
        let plan = plan(
          large(seed), .forward, kibibytes: [16, 8, 16, 4], computeCycles: 1_000_000_000)
      else { continue }
      #expect(plan.dramWait == 0, "\(seed)")
      #expect(plan.computeBound == 1_000_000_000, "\(seed)")
    }
  }

  @Test("memories too small for a row of a plane are named, with what is needed")
  func error() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 1, height: 8, width: 4000), filters: 1, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    var hardware = HardwareDescription.small
    hardware.memory.activationKibibytes = 16
    #expect {
      try MemoryPlan(
        geometry, pass: .forward, images: 1, storedWeights: 9, maskBits: 9, computeCycles: 1,
        hardware: hardware)
    } throws: { error in
      // Three rows of 4,000 values of 2 bytes, twice.
      "\(error)"
        == "swpu-small: memory.activation-kibibytes: too small for one row of one plane of this "
        + "forward pass; at least 47 KiB"
    }
    hardware.memory.activationKibibytes = 47
    #expect(throws: MemoryPlanError.self) {
      try MemoryPlan(
        geometry, pass: .forward, images: 1, storedWeights: 9, maskBits: 9, computeCycles: 1,
        hardware: hardware)
    }
  }

  @Test("each memory has to hold what it is for, twice where that is cut")
  func memories() throws {
    var hardware = HardwareDescription.small
    hardware.memory.activationKibibytes = 4096
    hardware.memory.weightKibibytes = 4096
    hardware.memory.outputKibibytes = 4096
    hardware.memory.maskKibibytes = 4096
    func error(
      _ pass: Pass, kernel: Int, width: Int, maskBits: Int,
      limit: (inout HardwareDescription.Memory) -> Void
    ) throws -> String {
      let geometry = try #require(
        ConvolutionGeometry(
          input: MapShape(channels: 1, height: max(kernel, 8), width: width), filters: 1,
          rows: kernel, columns: kernel))
      var hardware = hardware
      limit(&hardware.memory)
      let error = #expect(throws: MemoryPlanError.self) {
        try MemoryPlan(
          geometry, pass: pass, images: 1, storedWeights: geometry.weights, maskBits: maskBits,
          computeCycles: 1, hardware: hardware)
      }
      return "\(error?.description ?? "")"
    }
    // A row of 4,000 gradients of 2 bytes, twice, and a sum of 4 bytes.
    let output = try error(.weightGradient, kernel: 1, width: 4000, maskBits: 1) {
      $0.outputKibibytes = 8
    }
    #expect(output.contains("memory.output-kibibytes") && output.contains("at least 16 KiB"))
    // 31 x 31 weights of 2 bytes, once.
    let weights = try error(.forward, kernel: 31, width: 31, maskBits: 1) {
      $0.weightKibibytes = 1
    }
    #expect(weights.contains("memory.weight-kibibytes") && weights.contains("at least 2 KiB"))
    let masks = try error(.forward, kernel: 1, width: 8, maskBits: 20_000) {
      $0.maskKibibytes = 2
    }
    #expect(masks.contains("memory.mask-kibibytes") && masks.contains("at least 3 KiB"))
  }

  @Test("the largest layers of the usual networks fit the default memories")
  func networks() throws {
    // Channels, size, filters, kernel, stride, groups: ResNet-50, VGG-16, MobileNetV2.
    let layers = [
      (3, 224, 64, 7, 2, 1), (64, 56, 64, 1, 1, 1), (1024, 14, 2048, 1, 2, 1),
      (512, 7, 512, 3, 1, 1), (3, 224, 64, 3, 1, 1), (64, 224, 64, 3, 1, 1),
      (512, 28, 512, 3, 1, 1), (25088, 1, 4096, 1, 1, 1), (2048, 1, 1000, 1, 1, 1),
      (96, 112, 96, 3, 2, 96), (960, 7, 960, 3, 1, 960), (32, 112, 32, 3, 1, 32),
      (320, 7, 1280, 1, 1, 1),
    ]
    for (channels, size, filters, kernel, stride, groups) in layers {
      let geometry = try #require(
        ConvolutionGeometry(
          input: MapShape(channels: channels, height: size, width: size), filters: filters,
          rows: kernel, columns: kernel, stride: stride, paddingRows: kernel / 2,
          paddingColumns: kernel / 2, groups: groups))
      for images in [1, 128] {
        for pass in images == 1 ? [.forward] : Pass.allCases {
          let plan = try MemoryPlan(
            geometry, pass: pass, images: images, storedWeights: geometry.weights,
            maskBits: geometry.weights, computeCycles: geometry.denseMACs * images / 1024,
            hardware: .swpu)
          #expect(plan.traffic.total >= plan.compulsory.total)
          // Weights are too many for the chip, but never read for every image.
          #expect(plan.traffic.total <= 16 * plan.compulsory.total, "\(geometry) \(pass)")
        }
      }
    }
  }
}
