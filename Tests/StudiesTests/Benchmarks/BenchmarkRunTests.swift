// SPDX-License-Identifier: Apache-2.0
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
  }
}
