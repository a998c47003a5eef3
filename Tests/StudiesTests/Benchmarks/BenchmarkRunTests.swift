// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor
import Testing
import Training

@testable import Studies

@Suite("Benchmarks")
struct BenchmarkRunTests {
  @Test("Steps of every network, batch size and density are measured, in this order")
  func steps() throws {
    let engine = Engine(threads: 1)
    var done: [String] = []
    let run = try BenchmarkRun.steps(
      models: [.lenet5, .mlp], batches: [2], densities: [1, 0.25], granularity: .line,
      precisions: [.fp32], samples: 2, engine: engine
    ) { name, batch in done.append("\(name.rawValue) \(batch)") }
    #expect(done == ["lenet5 2", "mlp 2"])
    #expect(run.rows.map { "\($0.model) \($0.batch)" } == done.flatMap { [$0, $0] })
    #expect(run.rows.map(\.density) == [1, 0.25, 1, 0.25])
    #expect(run.rows.map(\.granularity).prefix(2) == ["dense", "line"])
    #expect(run.rows.allSatisfy { $0.samples.count == 2 && $0.medianMilliseconds > 0 })
    #expect(run.peakGflops > 0 && run.largestRelativeError == nil)
    #expect(run.machine.threads == 1)
    #expect(run.rows.map(\.masks).prefix(2) == ["none", "random"])
    #expect(run.rows.allSatisfy { $0.exchangeMilliseconds == nil })
  }

  /// Every second line of LeNet-5's prunable layers.
  private func snapshot() throws -> MaskSnapshot {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let layers = network.convolutions.map { name, convolution in
      let geometry = convolution.geometry
      let shape = FilterShape(
        filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
        columns: geometry.columns)
      let dense = LayerMask(dense: shape)
      let half = LayerMask(
        shape: shape, lines: Bits(count: dense.lines.count) { $0 % 2 == 0 }, shapes: dense.shapes)
      return MaskSnapshot.Layer(
        name: name, granularity: convolution.prunable ? .line : .dense,
        mask: convolution.prunable ? half : dense, inputSparsity: nil, gradientSparsity: nil)
    }
    return MaskSnapshot(step: 3, epoch: 1, layers: layers)
  }

  @Test("Masks of a run, and what an update adds; those of another network are refused")
  func trained() throws {
    let snapshot = try snapshot()
    func steps(_ models: [ModelName], report: () -> Void = {}) throws
      -> BenchmarkRun<StepBenchmark.Row>
    {
      try BenchmarkRun.steps(
        models: models, batches: [2], densities: [], granularity: .line,
        masks: [("one.masks", snapshot)], precisions: [.fp32], samples: 1, updatesMasks: true,
        engine: Engine(threads: 1)
      ) { _, _ in report() }
    }
    let rows = try steps([.lenet5, .mlp]).rows
    #expect(rows.map(\.model) == ["lenet5"])
    #expect(rows.map(\.masks) == ["trained"] && rows.map(\.granularity) == ["line"])
    let masks = snapshot.layers.filter { $0.granularity != .dense }.map(\.mask)
    let kept = masks.reduce(0) { $0 + $1.keptElements }
    let all = masks.reduce(0) { $0 + $1.shape.count }
    #expect(kept < all && rows[0].density == Double(kept) / Double(all))
    #expect(rows[0].exchangeMilliseconds != nil && rows[0].thinningMilliseconds != nil)
    // Of a larger network that has all of its layers.
    var larger = snapshot
    larger.layers.append(snapshot.layers[0])
    larger.layers[larger.layers.count - 1].name = "further"
    #expect(snapshot.fits(.lenet5) && !larger.fits(.lenet5))
    // The classifier of three classes is not pruned; another width of what is pruned is another network.
    var other = snapshot
    let last = other.layers.count - 1
    other.layers[last].mask = LayerMask(
      dense: FilterShape(filters: 3, channels: 84, rows: 1, columns: 1))
    #expect(other.fits(.lenet5))
    other.layers[1].mask = LayerMask(
      dense: FilterShape(filters: 8, channels: 6, rows: 5, columns: 5))
    #expect(!other.fits(.lenet5))
    // Before anything is measured.
    var measured = 0
    let error = #expect(throws: InputError.self) { try steps([.mlp]) { measured += 1 } }
    #expect(measured == 0)
    #expect(error?.description.contains("one.masks") == true)
  }

  @Test("A snapshot compressed by gzip is read; a damaged one is refused")
  func gzip() throws {
    let snapshot = try snapshot()
    let content = snapshot.encoded()
    // One stored block, its length and the length's complement before it.
    let length = UInt16(content.count)
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    var file: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1]
    file += bytes(length) + bytes(~length) + content
    file += bytes(crc32(content, after: 0)) + bytes(UInt32(content.count))
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("swpu-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("one.masks.gz")
    try Data(file).write(to: url)
    #expect(try MaskSnapshot(path: url.path) == snapshot)
    file[40] ^= 1
    try Data(file).write(to: url)
    let error = #expect(throws: InputError.self) { try MaskSnapshot(path: url.path) }
    #expect(error?.field == "compression")
  }
}
