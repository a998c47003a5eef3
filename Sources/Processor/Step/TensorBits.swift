// SPDX-License-Identifier: Apache-2.0

extension HardwareDescription {
  /// Bits of a tensor of a step in the DRAM. Zeros are packed by a bitmap where that takes less:
  /// `elements · min(width, 1 + (1 - zeros) · width)`. A scale for each channel (8-bit stashes) or
  /// tensor (8-bit gradients) is not counted.
  func bits(_ tensor: StepGraph.Tensor) -> Int {
    let width =
      switch tensor.kind {
      case .images, .stash, .activation: memory.stashFormat.bits
      case .gradient: memory.gradientFormat.bits
      case .index: 4
      }
    let dense = tensor.elements * width
    guard memory.compressZeros, tensor.kind == .activation || tensor.kind == .gradient else {
      return dense
    }
    let values = Int((Double(tensor.elements) * (1 - tensor.zeros)).rounded(.up))
    return min(dense, tensor.elements + values * width)
  }
}
