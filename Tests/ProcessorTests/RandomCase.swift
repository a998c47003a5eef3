// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

@testable import Processor

/// A random layer with a mask and a random machine: what the property tests run on. The seed names
/// the case.
struct RandomCase {
  var geometry: ConvolutionGeometry
  var mask: LayerMask
  var images: Int
  var hardware: HardwareDescription

  /// - Parameter isUniform: only geometries of one stride and two paddings, which the engine trains.
  init(
    seed: UInt64, largestMap: Int = 9, largestPlanes: Int = 12, isUniform onlyUniform: Bool = false
  ) {
    var random = SeededRandom(seed: seed, stream: 77)
    func pick<Choice>(_ choices: [Choice]) -> Choice { choices[random.below(choices.count)] }
    while true {
      let groups = pick([1, 1, 1, 2, 3])
      let channels = groups * (1 + random.below(largestPlanes / groups))
      let filters = groups * (1 + random.below(largestPlanes / groups))
      let rows = pick([1, 1, 2, 3, 3, 3, 5])
      let columns = pick([rows, rows, rows, 1, 2])
      let input = MapShape(
        channels: channels, height: 1 + random.below(largestMap),
        width: 1 + random.below(largestMap))
      let stride = pick([1, 1, 2, 3])
      // Half of the layers are uniform; the others have strides, dilations and four paddings of
      // their own.
      let isUniform = onlyUniform || random.below(2) == 0
      func window(_ kernel: Int) -> WindowAxis {
        let padding = random.below(kernel)
        if isUniform {
          return WindowAxis(
            kernel: kernel, stride: stride, paddingBefore: padding, paddingAfter: padding)
        }
        return WindowAxis(
          kernel: kernel, stride: pick([1, 1, 2, 3]), dilation: pick([1, 1, 2, 3]),
          paddingBefore: padding, paddingAfter: random.below(kernel + 1))
      }
      if let geometry = ConvolutionGeometry(
        input: input, filters: filters, vertical: window(rows), horizontal: window(columns),
        groups: groups)
      {
        self.geometry = geometry
        break
      }
    }
    images = 1 + random.below(5)
    let shape = FilterShape(
      filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
      columns: geometry.columns)
    let density = pick([0, 0.05, 0.1, 0.3, 0.7, 1])
    func bits(_ count: Int, _ density: Double) -> Bits {
      Bits(count: count) { _ in Double(random.uniform()) < density }
    }
    if random.below(2) == 0 {
      mask = LayerMask(shape: shape, elements: bits(shape.count, density))
    } else {
      let dense = LayerMask(dense: shape)
      mask = LayerMask(
        shape: shape, lines: bits(dense.lines.count, density),
        shapes: bits(dense.shapes.count, pick([0.5, 0.8, 1])))
    }
    hardware = .small
    hardware.array.cores = 1 + random.below(3)
    hardware.array.rows = 1 + random.below(6)
    hardware.array.lanes = 1 + random.below(9)
    hardware.array.window = pick([2, 4, 8, 16])
    hardware.array.slots = pick([1, 1, 2])
    hardware.array.windowsInFlight = 1 + random.below(4)
    hardware.array.adderStages = 1 + random.below(3)
    hardware.memory.portsPerCore = 1 + random.below(4)
    hardware.memory.portElements = pick([1, 4, 8, 16])
    hardware.techniques.reorder = pick([.natural, .popcount, .hamming])
    hardware.techniques.detectBeforeLoad = random.below(4) != 0
    hardware.techniques.compress = random.below(4) != 0
    hardware.techniques.reorderLines = pick([.none, .balanced])
    hardware.array.sumBanks = 1 + random.below(2)
    hardware.array.results = pick([.fp32, .bf16])
  }
}
