// SPDX-License-Identifier: Apache-2.0

import Masks

/// Work of the vector unit.
extension ONNXImport {
  mutating func addVector(_ node: NodeFacts, _ kind: NetworkDescription.VectorLayer.Kind)
    throws(Unsupported)
  {
    let output = try output(node)
    switch kind {
    case .batchNorm, .batchNormWithResidual: addBatchNorm(node, output)
    case .add, .multiply:
      let computed = node.node.inputs.filter {
        !$0.isEmpty && values.constants[$0] == nil && (values.shapes[$0]?.count ?? 0) > 0
      }
      if computed.count > 1 {
        let reads = computed.reduce(0) { $0 + elements(values.shapes[$1] ?? []) }
        return addVectorLayer(node.node, kind, computed, reads: reads, writes: elements(output))
      }
      // With a constant: the bias of a layer, as in Conv and Gemm, or an operation on each value.
      if node.node.operation == "Add", let value = computed.first, isProduct(value) {
        return follow(value, into: node.node.outputs[0])
      }
      // The normalisation of images, which is done where they are read.
      if let value = computed.first, !dependsOnWeights(value) {
        return follow(value, into: node.node.outputs[0])
      }
      addVectorLayer(
        node.node, .activation, computed, reads: elements(output), writes: elements(output))
    default:
      addVectorLayer(
        node.node, kind, Array(node.node.inputs.prefix(1)),
        reads: elements(try node.shape(0)), writes: elements(output))
    }
  }

  private func output(_ node: NodeFacts) throws(Unsupported) -> [Int] {
    guard let name = node.node.outputs.first, let shape = values.shapes[name] else {
      throw Unsupported("an output of unknown size")
    }
    return shape
  }

  /// A normalisation, with the addition and the activation behind it that nothing else reads.
  private mutating func addBatchNorm(_ node: NodeFacts, _ shape: [Int]) {
    markGradient(node.node.outputs)
    var inputs = Array(node.node.inputs.prefix(1))
    var value = node.node.outputs.first ?? ""
    if let (index, next) = onlyReader(of: value), next.operation == "Add", next.domain.isEmpty,
      next.inputs.count == 2, let other = next.inputs.first(where: { $0 != value }),
      values.shapes[other] == shape, values.constants[other] == nil,
      let output = next.outputs.first
    {
      // Of two normalisations that are added the later one takes the addition.
      take(index)
      inputs.append(other)
      value = output
    }
    if let (index, next) = onlyReader(of: value), ["Relu", "Clip"].contains(next.operation),
      next.domain.isEmpty, next.inputs.first == value, let output = next.outputs.first
    {
      take(index)
      value = output
    }
    markGradient([value])
    addVectorLayer(
      node.node, inputs.count > 1 ? .batchNormWithResidual : .batchNorm, inputs,
      reads: inputs.count * elements(shape), writes: elements(shape), output: value)
  }
}
