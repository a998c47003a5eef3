// SPDX-License-Identifier: Apache-2.0

import Masks
import Testing

@testable import Processor

@Suite struct StepGraphTests {
  private func graph(_ workload: Workload, isInference: Bool = false, fused: Bool = true)
    -> StepGraph
  {
    guard
      let graph = StepGraph(workload, isInference: isInference, fusesBackward: fused)
    else { preconditionFailure("a network without an order") }
    return graph
  }

  @Test("each pass of each layer runs once, and reads what is there")
  func conservation() {
    for seed in 0..<200 as Range<UInt64> {
      let workload = RandomNetwork.workload(seed: seed)
      for fused in [true, false] {
        let graph = graph(workload, fused: fused)
        var passes: [String: Int] = [:]
        var written = Set<Int>()
        for operation in graph.operations {
          for (layer, pass) in operation.passes { passes["\(layer) \(pass)", default: 0] += 1 }
          for tensor in operation.reads {
            let kind = graph.tensors[tensor].kind
            let isGiven = kind == .images || graph.tensors[tensor].name.hasSuffix("conv.gradient")
            let isLoss =
              kind == .gradient
              && graph.tensors[tensor].name == "\(workload.layers.last!.name).gradient"
            #expect(
              written.contains(tensor) || isGiven || isLoss,
              "seed \(seed): \(operation.name) reads \(graph.tensors[tensor].name)")
          }
          for tensor in operation.writes {
            #expect(written.insert(tensor).inserted, "seed \(seed): written twice")
          }
        }
        for (number, layer) in workload.layers.enumerated() {
          for pass in Pass.allCases {
            let expected = pass != .inputGradient || layer.convolution.needsInputGradient ? 1 : 0
            #expect(passes["\(number) \(pass)", default: 0] == expected, "seed \(seed)")
          }
        }
      }
    }
  }

  @Test("the operations of residual blocks are those of the design")
  func residualBlocks() {
    let graph = graph(RandomNetwork.residualBlocks())
    func names(_ numbers: [Int]) -> Set<String> { Set(numbers.map { graph.tensors[$0].name }) }
    func operation(_ name: String, _ kind: StepGraph.Operation.Kind) -> StepGraph.Operation? {
      graph.operations.first { $0.name == name && $0.kind == kind }
    }
    // conv0; block 1: conv1, conv2; block 2: conv3, conv4 and the projection conv5.
    #expect(operation("conv1", .forward).map { names($0.reads) } == ["conv0.y"])
    #expect(operation("conv2", .forward).map { names($0.writes) } == ["conv2.y"])
    // The first block's output is made of its raw output and what came in, and written.
    let second = operation("conv3 + conv5", .forward)
    #expect(second.map { names($0.reads) } == ["conv2.y", "conv0.y"])
    #expect(second.map { names($0.writes) } == ["batchNormWithResidual2", "conv3.y", "conv5.y"])
    let back = operation("conv4", .backward)
    #expect(
      back.map { names($0.reads) } == ["batchNormWithResidual5.gradient", "conv4.y", "conv3.y"])
    #expect(back.map { names($0.writes) } == ["batchNorm3.gradient"])
    let both = operation("conv3 + conv5", .backward)
    #expect(
      both.map { names($0.reads) } == [
        "batchNorm3.gradient", "conv3.y", "batchNormWithResidual5.gradient", "conv5.y",
        "batchNormWithResidual2", "conv2.y",
      ])
    #expect(both.map { names($0.writes) } == ["batchNormWithResidual2.gradient"])
    // The identity's gradient is that of the sum.
    #expect(
      operation("conv1", .backward).map { names($0.reads) } == [
        "batchNorm1.gradient", "conv1.y", "conv0.y", "batchNormWithResidual2.gradient",
      ])
    #expect(operation("conv0", .backward).map { names($0.writes) } == [])
  }

  @Test("without statistics of the batch an activation is applied on the way out")
  func inference() {
    let graph = graph(RandomNetwork.residualBlocks(), isInference: true)
    #expect(graph.tensors.allSatisfy { $0.kind == .images || $0.kind == .activation })
    #expect(graph.operations.allSatisfy { $0.kind != .backward })
    let writes = graph.operations.flatMap(\.writes).map { graph.tensors[$0].name }
    #expect(writes.contains("batchNorm0") && writes.contains("batchNormWithResidual2"))
    #expect(!writes.contains("conv0.y"))
  }

  @Test("a network without the inputs of its layers has no operations")
  func unknown() {
    var workload = RandomNetwork.residualBlocks()
    workload.layers[1].convolution.reads = nil
    #expect(StepGraph(workload, isInference: false, fusesBackward: true) == nil)
    workload.layers[1].convolution.reads = ["conv2"]
    #expect(StepGraph(workload, isInference: false, fusesBackward: true) == nil)
  }
}
