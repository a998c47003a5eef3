// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Pruning
import Tensor
import Testing

@testable import Exchange

@Suite("Masks from NumPy and to it")
struct MaskNumPyTests {
  private static func layer(_ name: String, _ map: MapShape, filters: Int, kernel: Int) throws
    -> NetworkDescription.Convolution
  {
    NetworkDescription.Convolution(
      name: name,
      geometry: try #require(
        ConvolutionGeometry(input: map, filters: filters, rows: kernel, columns: kernel)),
      needsInputGradient: true, prunable: true)
  }

  private static func network() throws -> NetworkDescription {
    NetworkDescription(
      name: "tiny", batch: 2,
      convolutions: [
        try layer("conv1", MapShape(channels: 4, height: 8, width: 8), filters: 6, kernel: 3),
        try layer("conv2", MapShape(channels: 6, height: 6, width: 6), filters: 8, kernel: 1),
        try layer("fc", MapShape(channels: 8, height: 1, width: 1), filters: 10, kernel: 1),
      ], vectorLayers: [])
  }

  private func temporary(_ name: String = "m.npz") -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("swpu-masks-\(UUID())-\(name)")
  }

  private func read(
    _ arrays: [(String, NumPyArray)], names: [String: String] = [:]
  ) throws -> MaskSnapshot {
    let file = temporary()
    defer { try? FileManager.default.removeItem(at: file) }
    try NumPyArchive.encoded(arrays).write(to: file)
    return try MaskSnapshot.reading(numPy: file.path, network: Self.network(), names: names).masks
  }

  /// Every fifth weight, which has no structure in rows of 36, 6 or 8.
  private func fifth(_ shape: [Int]) -> NumPyArray {
    NumPyArray(Bits(count: shape.reduce(1, *)) { $0 % 5 == 0 }, shape: shape)
  }

  @Test("A snapshot is restored, in names of other programs")
  func roundTrip() throws {
    let network = try Self.network()
    var random = SeededRandom(seed: 7)
    for granularity in [Granularity.subStructured, .line, .unstructured, .filter, .dense] {
      let workload = Workload(
        network, pruning: PruningConfiguration(granularity: granularity, sparsity: 0.6), seed: 2)
      let snapshot = MaskSnapshot(
        step: 40, epoch: 0,
        layers: workload.layers.map { layer in
          MaskSnapshot.Layer(
            name: layer.name, granularity: layer.granularity,
            mask: layer.mask, inputSparsity: random.uniform() < 0.5 ? 0.25 : nil,
            gradientSparsity: 0.125)
        })
      let tensors = ["fc": TensorName("classifier.1.weight", shape: [10, 8])]
      let file = temporary()
      defer { try? FileManager.default.removeItem(at: file) }
      try snapshot.numPyArchive(tensors: tensors).write(to: file)
      let found = try MaskSnapshot.reading(
        numPy: file.path, network: network, names: ["classifier.1": "fc"], step: 40
      ).masks
      for (new, old) in zip(found.layers, snapshot.layers) {
        #expect(new.mask.elementBits == old.mask.elementBits, "\(granularity) \(new.name)")
        #expect(new.inputSparsity == old.inputSparsity && new.gradientSparsity == 0.125)
        if granularity != .filter {
          #expect((new.mask.elements == nil) == (old.mask.elements == nil), "\(new.name)")
        }
      }
      #expect(found.step == 40 && found.layers.count == 3)
      let archive = try NumPyArchive(path: file.path)
      #expect(try archive.array("classifier.1.weight").shape == [10, 8])
      #expect(try archive.array("conv2.weight").shape == [8, 6, 1, 1])
    }
  }

  @Test("Names as PyTorch has them; layers without a mask are dense")
  func names() throws {
    for ending in ["", ".weight", ".weight_mask", ".mask"] {
      let found = try read([("conv1" + ending, fifth([6, 4, 3, 3]))])
      #expect(found.layers[0].mask.keptElements == 44, "\(ending)")
      #expect(found.layers[0].granularity == .unstructured)
      #expect(found.layers[1].mask.density == 1 && found.layers[1].granularity == .dense)
    }
    let linear = try read([("fc.weight", fifth([10, 8]))])
    #expect(linear.layers[2].mask.keptElements == 16)
  }

  @Test("A folder of npy files, and what else may lie in it")
  func folder() throws {
    let folder = temporary("folder")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try fifth([8, 6, 1, 1]).encoded().write(to: folder.appendingPathComponent("conv2.weight.npy"))
    try Data().write(to: folder.appendingPathComponent(".hidden"))
    let network = try Self.network()
    #expect(
      try MaskSnapshot.reading(numPy: folder.path, network: network).masks.layers[1].mask
        .keptElements == 10)
    try Data().write(to: folder.appendingPathComponent("notes.txt"))
    try fifth([3]).encoded().write(to: folder.appendingPathComponent("other.npy"))
    let found = try MaskSnapshot.reading(numPy: folder.path, network: network)
    #expect(found.masks.layers[1].mask.keptElements == 10)
    #expect(found.leftOut == ["notes.txt", "other"])
    try FileManager.default.removeItem(at: folder.appendingPathComponent("conv2.weight.npy"))
    try FileManager.default.removeItem(at: folder.appendingPathComponent("other.npy"))
    let error = #expect(throws: InputError.self) {
      try MaskSnapshot.reading(numPy: folder.path, network: network)
    }
    #expect(error?.field == "folder" && error?.value == "notes.txt")
  }

  @Test("Whole state dictionaries, below prefixes of wrappers, with originals and their masks")
  func stateDictionaries() throws {
    let file = temporary()
    defer { try? FileManager.default.removeItem(at: file) }
    let right = fifth([6, 4, 3, 3])
    let even = NumPyArray(Bits(count: 216) { $0 % 2 == 0 }, shape: [6, 4, 3, 3])
    let bias = NumPyArray(Bits(count: 6), shape: [6])
    for prefix in ["", "module.", "state_dict.model.", "net.backbone.module.", "a/b/"] {
      let arrays = [
        ("conv1.weight_orig", right), ("conv1.weight_mask", even), ("conv1.bias", bias),
        ("bn1.running_mean", bias), ("fc.weight", fifth([10, 8])),
      ].map { (prefix + $0.0, $0.1) }
      try NumPyArchive.encoded(arrays + [("epoch", NumPyArray(3))]).write(to: file)
      let found = try MaskSnapshot.reading(numPy: file.path, network: Self.network())
      // Every tenth weight of the first layer is in both.
      #expect(found.masks.layers.map(\.mask.keptElements) == [22, 48, 16], "\(prefix)")
      #expect(
        found.leftOut == ["\(prefix)bn1.running_mean", "\(prefix)conv1.bias", "epoch"].sorted())
    }
  }

  @Test("An archive without arrays is an error, one with more than arrays is not")
  func members() throws {
    let file = temporary()
    defer { try? FileManager.default.removeItem(at: file) }
    try ZipFile.encoded([("data.pkl", Data([1]))]).write(to: file)
    let error = #expect(throws: InputError.self) {
      try MaskSnapshot.reading(numPy: file.path, network: Self.network())
    }
    #expect(error?.field == "members" && error?.value == "data.pkl")
    try ZipFile.encoded([
      ("README", Data([1])), ("masks/", Data()),
      ("masks/conv1.weight.npy", fifth([6, 4, 3, 3]).encoded()),
    ]).write(to: file)
    let found = try MaskSnapshot.reading(numPy: file.path, network: Self.network())
    #expect(found.leftOut == ["README"] && found.masks.layers[0].mask.keptElements == 44)
    try ZipFile.encoded([("conv1_mask.npy", fifth([6, 4, 3, 3]).encoded())]).write(to: file)
    let bare = try MaskSnapshot.reading(numPy: file.path, network: Self.network())
    #expect(bare.leftOut.isEmpty && bare.masks.layers[0].mask.keptElements == 44)
  }

  @Test("What is wrong is named")
  func mistakes() throws {
    let right = fifth([6, 4, 3, 3])
    let cases: [(arrays: [(String, NumPyArray)], word: String)] = [
      ([("conv9", right)], "arrays: found conv9"), ([("bias", right)], "names of layers"),
      ([("conv1", fifth([4, 6, 3, 3]))], "[6, 4, 3, 3]"),
      ([("conv1", fifth([6, 4]))], "array 'conv1'"),
      ([("conv1", right), ("conv1.weight", right)], "second"),
      ([("conv1.input_zeros", NumPyArray(1.5))], "0 to 1"),
      ([("conv1.gradient_zeros", NumPyArray(.nan))], "0 to 1"),
      ([("conv1.input_zeros", fifth([2]))], "one number"),
      ([("conv1.input_zeros", fifth([1, 2, 3, 4, 5]))], "of shape"),
      ([("fc.weight", NumPyArray(.nan))], "shape"), ([], "members"),
    ]
    for (arrays, word) in cases {
      let error = #expect(throws: InputError.self, "\(word)") { try read(arrays) }
      #expect(error?.description.contains(word) == true, "\(word): \(error as Any)")
    }
    #expect(throws: InputError.self) {
      try MaskSnapshot.reading(numPy: "/nowhere.npz", network: Self.network())
    }
    // An array that would take more than the layer's weights in the widest type.
    #expect(throws: InputError.self) {
      try read([("fc.weight", NumPyArray(Bits(count: 1 << 18), shape: [1 << 18]))])
    }
  }
}
