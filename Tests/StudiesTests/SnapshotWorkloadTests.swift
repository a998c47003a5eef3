// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Pruning
import Tensor
import Testing
import Training

@testable import Studies

/// Masks of a run without the run: `--masks one.masks`.
@Suite struct SnapshotWorkloadTests {
  /// LeNet-5 with random masks, and the snapshot of them.
  private func masked() throws -> (workload: Workload, snapshot: MaskSnapshot) {
    var request = WorkloadRequest(path: nil)
    request.model = .lenet5
    request.sparsity = 0.7
    var workload = try request.workload()
    for index in workload.layers.indices {
      workload.layers[index].inputSparsity = 0.1 * Double(index + 1)
      workload.layers[index].gradientSparsity = 0.05 * Double(index)
    }
    let layers = workload.layers.map {
      MaskSnapshot.Layer(
        name: $0.convolution.name, granularity: $0.granularity, mask: $0.mask,
        inputSparsity: $0.inputSparsity, gradientSparsity: $0.gradientSparsity)
    }
    return (workload, MaskSnapshot(step: 7, epoch: 1, layers: layers))
  }

  private func request(_ file: URL, _ model: ModelName) -> WorkloadRequest {
    var request = WorkloadRequest(path: nil)
    request.model = model
    request.masks = file.path
    return request
  }

  private func withFile(_ content: [UInt8], _ body: (URL) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "swpu-\(UUID()).masks")
    try Data(content).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file)
  }

  @Test("The masks and the zeros of a snapshot are those that are simulated")
  func same() throws {
    let (workload, snapshot) = try masked()
    try withFile(snapshot.encoded()) { file in
      let found = try request(file, .lenet5).workload()
      #expect(found.layers.map(\.mask) == workload.layers.map(\.mask))
      #expect(found.layers.map(\.granularity) == workload.layers.map(\.granularity))
      #expect(found.layers.map(\.inputSparsity) == workload.layers.map(\.inputSparsity))
      #expect(found.layers.map(\.gradientSparsity) == workload.layers.map(\.gradientSparsity))
      #expect(found.layers.contains { $0.mask.keptElements < $0.mask.shape.count })
    }
  }

  @Test(
    "A snapshot of another network is refused, not taken as dense",
    arguments: [ModelName.mlp, .resnet20])
  func another(_ model: ModelName) throws {
    try withFile(masked().snapshot.encoded()) { file in
      let error = #expect(throws: InputError.self) { try request(file, model).workload() }
      #expect(error?.file == file.path && error?.allowed.contains("--model") == true)
    }
  }

  @Test("A damaged snapshot is named")
  func damaged() throws {
    var content = try masked().snapshot.encoded()
    content[content.count / 2] ^= 1
    try withFile(content) { file in
      let error = #expect(throws: InputError.self) { try request(file, .lenet5).workload() }
      #expect(error?.file == file.path)
    }
  }

  @Test("A snapshot in place of a run is refused with the option that takes it")
  func inPlaceOfARun() throws {
    try withFile(masked().snapshot.encoded()) { file in
      let request = WorkloadRequest(path: file.path)
      let error = #expect(throws: InputError.self) { try request.validate() }
      #expect(error?.allowed.contains("--masks") == true)
    }
  }
}
