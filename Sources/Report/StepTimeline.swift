// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Masks
import Processor

/// A training step as a timeline: the passes, then the vector unit's work; the groups on each core with the share of rows that are
/// busy, and the DRAM.
public struct StepTimeline {
  private let workload: Workload
  private let hardware: HardwareDescription

  /// The timeline of a step on SWPU.
  public init(_ workload: Workload, hardware: HardwareDescription) {
    self.workload = workload
    self.hardware = hardware
  }

  /// Writes it, and returns its size in bytes. One track each for the passes, the DRAM and every
  /// core; a counter for the busy rows of all cores.
  ///
  /// - Throws: `FileError`, `MemoryPlanError`.
  public func write(to file: OutputFile) throws -> Int {
    let step = try Simulator(hardware).step(workload)
    var trace = TraceEvents(file)
    let (passes, dram, firstCore) = (1, 2, 3)
    trace.track(process: 1, processName: hardware.name, thread: passes, name: "passes")
    trace.track(process: 1, processName: hardware.name, thread: dram, name: "DRAM")
    for core in 0..<hardware.array.cores {
      trace.track(
        process: 1, processName: hardware.name, thread: firstCore + core, name: "core \(core)")
    }
    let microseconds = 1e6 / hardware.supply.hertz
    var now = 0
    let forward = workload.layers.map { ($0, Pass.forward) }
    let backward = workload.layers.reversed().flatMap { layer in
      [Pass.weightGradient, .inputGradient].filter {
        $0 == .weightGradient || layer.convolution.needsInputGradient
      }.map { (layer, $0) }
    }
    for (layer, pass) in forward + backward {
      guard let result = step.layers.first(where: { $0.layer == layer.name && $0.pass == pass })
      else { preconditionFailure("a step without a pass of \(layer.name)") }
      let timeline = PassTimeline(
        layer, pass: pass, images: workload.batch, hardware: hardware)
      trace.slice(
        process: 1, thread: passes, name: "\(layer.name) \(pass.rawValue)",
        start: Double(now) * microseconds, duration: Double(result.cycles) * microseconds,
        arguments: [
          ("cycles", result.cycles), ("effectual MACs", result.effectualMACs),
          ("DRAM bytes", result.traffic.total / 8),
        ])
      let transfer =
        Double(result.traffic.total) / 8 / hardware.memory.dramGigabytesPerSecond / 1e3
      trace.slice(
        process: 1, thread: dram, name: layer.name, start: Double(now) * microseconds,
        duration: min(transfer, Double(result.cycles) * microseconds))
      // The array starts when its first block is there.
      let first = now + result.dramFillCycles / 2
      for item in timeline.items {
        trace.slice(
          process: 1, thread: firstCore + item.core,
          name: "\(layer.name) group \(item.group)",
          start: Double(first + item.start) * microseconds,
          duration: Double(item.cycles) * microseconds,
          arguments: [
            ("rows", item.rows), ("busy rows, %", Int((100 * item.occupancy).rounded())),
          ])
      }
      trace.counter(
        process: 1, name: "busy rows, %", at: Double(first) * microseconds,
        value: occupancy(timeline))
      now += result.cycles
    }
    for work in step.vector where work.cycles > 0 {
      trace.slice(
        process: 1, thread: passes, name: work.name, start: Double(now) * microseconds,
        duration: Double(work.cycles) * microseconds,
        arguments: [("cycles", work.cycles), ("DRAM bytes", work.dramBytes)])
      now += work.cycles
    }
    return try trace.close()
  }

  private func occupancy(_ timeline: PassTimeline) -> Double {
    let busy = timeline.items.reduce(0) { $0 + $1.occupancy * Double($1.cycles) }
    return 100 * busy / Double(max(1, timeline.cycles * hardware.array.cores))
  }
}
