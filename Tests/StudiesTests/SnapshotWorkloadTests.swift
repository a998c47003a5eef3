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

  @Test("A snapshot of another network is refused, and the right one named")
  func another() throws {
    try withFile(masked().snapshot.encoded()) { file in
      let error = #expect(throws: InputError.self) { try request(file, .mlp).workload() }
      #expect(error?.file == file.path && error?.allowed.contains("--model lenet5") == true)
    }
  }

  @Test("A snapshot of a smaller network is not the rest dense; a wrong layer is named")
  func smaller() throws {
    var snapshot = try masked().snapshot
    let last = snapshot.layers.removeLast()
    try withFile(snapshot.encoded()) { file in
      let error = #expect(throws: InputError.self) { try request(file, .lenet5).workload() }
      #expect(error?.field == "layer \(last.name)" && error?.value == "none of this name")
    }
    snapshot.layers.append(last)
    snapshot.layers[0].name = "conv0"
    try withFile(snapshot.encoded()) { file in
      let error = #expect(throws: InputError.self) { try request(file, .lenet5).workload() }
      #expect(error?.field == "layer conv0" && error?.value == "not a layer of lenet5")
    }
  }

  @Test("The step of a single snapshot is the one that is asked for; all needs a folder of them")
  func steps() throws {
    let (workload, snapshot) = try masked()
    try withFile(snapshot.encoded()) { file in
      var request = request(file, .lenet5)
      request.snapshot = .step(7)
      #expect(try request.workload().layers.map(\.mask) == workload.layers.map(\.mask))
      for wrong in [SnapshotChoice.step(8), .all] {
        request.snapshot = wrong
        let error = #expect(throws: InputError.self) { try request.workload() }
        #expect(error?.field == "--snapshot")
      }
      let folder = file.deletingPathExtension()
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.copyItem(
        at: file, to: folder.appendingPathComponent("step-00000007.masks"))
      request.masks = folder.path
      let training = try request.training()
      #expect(training.steps == [7])
      // The file of the folder is named, not the folder alone.
      request.snapshot = .last
      let loaded = try request.loaded { _ in }
      #expect(loaded.origin.contains(folder.path + "/step-00000007.masks"))
      #expect(loaded.assumed?.contains("32x32") == true)
      #expect(try training.workload(0).layers.map(\.mask) == workload.layers.map(\.mask))
    }
  }

  @Test("A snapshot is told by its content, whatever its name")
  func renamed() throws {
    let (workload, snapshot) = try masked()
    try withFile(snapshot.encoded()) { file in
      let other = file.path + "-copy"
      try FileManager.default.copyItem(atPath: file.path, toPath: other)
      defer { try? FileManager.default.removeItem(atPath: other) }
      let found = try request(URL(fileURLWithPath: other), .lenet5).workload()
      #expect(found.layers.map(\.mask) == workload.layers.map(\.mask))
    }
    let gone = request(URL(fileURLWithPath: "/nowhere.masks"), .lenet5)
    let error = #expect(throws: InputError.self) { try gone.workload() }
    #expect(error?.value == "nothing there")
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
