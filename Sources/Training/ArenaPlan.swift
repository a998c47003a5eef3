// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Where every activation and gradient of a training step lies in one block of memory.
///
/// Time runs over the layers forward and then backward. A buffer lives from its first write to its
/// last read; buffers that never live at once share memory. Gradients that a layer can compute in
/// place take over the buffer of what they are computed from.
struct ArenaPlan {
  /// A gradient that a layer's backward pass writes.
  struct GradientSlot {
    /// The buffer written.
    var buffer: Int
    /// Whether an earlier layer of the backward pass has written there.
    var accumulate: Bool
  }

  private(set) var valueBuffers: [Int]
  private(set) var gradientBuffers: [Int?]
  /// For each node, for each of its inputs; nil for the network's input unless its gradient is asked for.
  private(set) var inputGradients: [[GradientSlot?]]
  private(set) var offsets: [Int] = []
  private(set) var byteCount = 0
  /// Bytes that the buffers would take without sharing.
  private(set) var unsharedByteCount = 0

  private struct Buffer {
    var bytes: Int
    var first: Int
    var last: Int
  }
  private var buffers: [Buffer] = []

  /// Plans a network for batches of `images` images.
  ///
  /// - Parameters:
  ///   - imageGradient: whether the gradient of the network's input is computed too.
  ///   - bytes: the size of an activation.
  init(_ network: Network, imageGradient: Bool = false, bytes: (MapShape) -> Int) {
    let nodes = network.nodes
    let end = 2 * nodes.count
    valueBuffers = [Int](repeating: -1, count: network.valueCount)
    gradientBuffers = [Int?](repeating: nil, count: network.valueCount)
    inputGradients = nodes.map { [GradientSlot?](repeating: nil, count: $0.inputs.count) }

    planValues(network, bytes: bytes)
    let output = network.output.index
    use(valueBuffers[output], at: nodes.count)
    if output != 0 {
      gradientBuffers[output] = newBuffer(bytes(network.map(network.output)), at: nodes.count)
    }
    for index in nodes.indices.reversed() {
      planGradients(
        of: index, in: network, at: end - 1 - index, imageGradient: imageGradient, bytes: bytes)
    }
    place()
  }

  private mutating func planValues(_ network: Network, bytes: (MapShape) -> Int) {
    valueBuffers[0] = newBuffer(bytes(network.map(network.input)), at: 0)
    for (index, node) in network.nodes.enumerated() {
      for input in node.inputs { use(valueBuffers[input.index], at: index) }
      if node.layer.outputIsInput {
        valueBuffers[node.output.index] = valueBuffers[node.inputs[0].index]
      } else {
        valueBuffers[node.output.index] = newBuffer(bytes(network.map(node.output)), at: index)
      }
      let backward = 2 * network.nodes.count - 1 - index
      if node.layer.backwardReadsInput { use(valueBuffers[node.inputs[0].index], at: backward) }
      if node.layer.backwardReadsOutput { use(valueBuffers[node.output.index], at: backward) }
    }
  }

  private mutating func planGradients(
    of index: Int, in network: Network, at time: Int, imageGradient: Bool,
    bytes: (MapShape) -> Int
  ) {
    let node = network.nodes[index]
    guard let gradient = gradientBuffers[node.output.index] else { return }
    use(gradient, at: time)
    // The residual of a normalisation comes first: it can take over the buffer as it is. Unless the
    // normalisation has to add to a gradient: then the buffer holds what is to be added.
    var takenOver =
      switch node.layer.gradientPlace {
      case .own: true
      case .overOutput: false
      case .overOutputUnlessAdding: gradientBuffers[node.inputs[0].index] != nil
      }
    for place in node.inputs.indices.reversed()
    where imageGradient || node.inputs[place] != network.input {
      let value = node.inputs[place].index
      if let buffer = gradientBuffers[value] {
        use(buffer, at: time)
        inputGradients[index][place] = GradientSlot(buffer: buffer, accumulate: true)
        continue
      }
      let buffer: Int
      if !takenOver {
        buffer = gradient
        takenOver = true
      } else {
        buffer = newBuffer(bytes(network.map(node.inputs[place])), at: time)
      }
      gradientBuffers[value] = buffer
      inputGradients[index][place] = GradientSlot(buffer: buffer, accumulate: false)
    }
  }

  private mutating func newBuffer(_ bytes: Int, at time: Int) -> Int {
    let line = 64
    buffers.append(Buffer(bytes: (bytes + line - 1) / line * line, first: time, last: time))
    return buffers.count - 1
  }

  private mutating func use(_ buffer: Int, at time: Int) {
    buffers[buffer].last = max(buffers[buffer].last, time)
  }

  /// The lifetime and the bytes of each buffer.
  var lives: [(time: ClosedRange<Int>, bytes: Range<Int>)] {
    buffers.indices.map {
      (
        buffers[$0].first...buffers[$0].last, offsets[$0]..<offsets[$0] + buffers[$0].bytes
      )
    }
  }

  /// Largest buffers first, each at the lowest place that is free during its life.
  private mutating func place() {
    offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    for index in buffers.indices.sorted(by: { (buffers[$1].bytes, $0) < (buffers[$0].bytes, $1) }) {
      let buffer = buffers[index]
      let neighbours =
        placed
        .filter { buffers[$0].first <= buffer.last && buffer.first <= buffers[$0].last }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for neighbour in neighbours {
        if offset + buffer.bytes <= offsets[neighbour] { break }
        offset = max(offset, offsets[neighbour] + buffers[neighbour].bytes)
      }
      offsets[index] = offset
      placed.append(index)
      byteCount = max(byteCount, offset + buffer.bytes)
    }
    unsharedByteCount = buffers.reduce(0) { $0 + $1.bytes }
  }
}
