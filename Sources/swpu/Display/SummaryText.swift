// SPDX-License-Identifier: Apache-2.0
import Foundation
import Training

/// The end of a training in words and a table.
struct SummaryText {
  private let summary: RunSummary

  init(_ summary: RunSummary) { self.summary = summary }

  var text: String {
    [headline, layerTable, speed, exchange, processor, memory, next].compactMap(\.self).joined(
      separator: "\n\n")
  }

  private var headline: String {
    var lines = [
      "",
      String(
        format: "Test accuracy  %.2f%%  after %d epochs", 100 * summary.testAccuracy,
        summary.epochs),
      String(format: "Sparsity       %.1f%%  of the prunable weights", 100 * summary.sparsity)
        + (summary.macDensity.map {
          String(format: "; %.1f%% of the dense MACs", 100 * $0)
        } ?? ""),
    ]
    if let dense = summary.dense {
      let times = (mean(dense.epochSeconds), mean(summary.epochSeconds))
      lines.append(
        String(
          format:
            "Dense twin     %.2f%%  test accuracy; an epoch took %.1f s, the pruned one %.1f s",
          100 * dense.testAccuracy, times.0, times.1))
    }
    return lines.joined(separator: "\n")
  }

  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  private var layerTable: String {
    let width = summary.layers.map(\.name.count).max() ?? 0
    func pad(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let rows = summary.layers.map { layer in
      var row = pad(layer.name, width) + String(format: "  %9d weights", layer.weights)
      if let lines = layer.lines, let kept = layer.keptLines, let shapes = layer.shapes,
        let keptShapes = layer.keptShapes
      {
        row += String(
          format: "  %5.1f%% kept  (lines %.0f%%, shapes %.0f%%)",
          100 * Double(layer.kept) / Double(layer.weights), 100 * Double(kept) / Double(lines),
          100 * Double(keptShapes) / Double(shapes))
      } else {
        row += layer.prunable ? "   dense" : "   dense by choice"
      }
      return row
    }
    return "Layers\n" + rows.map { "  " + $0 }.joined(separator: "\n")
  }

  private var speed: String {
    let machine = String(
      format: "Interleaved measurement on %d threads (%@ kernels) of\n%@.",
      summary.machine.threads, summary.machine.kernels, summary.machine.processor)
    let times = String(
      format: "Training step  %.1f ms with the final masks, %.1f ms without pruning",
      summary.stepMilliseconds, summary.denseStepMilliseconds)
    guard let speedup = summary.speedup else { return times + ".\n" + machine }
    if let fault = speedup.fault {
      return times + ".\n\(fault): no speedup is given.\n"
        + "'swpu bench step' on a quiet machine measures it.\n" + machine
    }
    return times
      + String(
        format: ":\n               %.1f times as fast (%.1f to %.1f in single pairs of steps).\n",
        speedup.median, speedup.lowest, speedup.highest) + machine
  }

  private var exchange: String? {
    guard let exchange = summary.exchange, exchange.steps > 0 else { return nil }
    let (steps, updates) = (Double(exchange.steps), Double(max(exchange.maskUpdates, 1)))
    return String(
      format:
        "Exchange       %.2f MB sent by each of %d ranks in a step, %.0f ms with stalls;\n"
        + "               %.2f MB and %.0f ms more in each of %d updates of the masks.",
      Double(exchange.bytes) * 1e-6 / steps, exchange.ranks, 1e3 * exchange.seconds / steps,
      Double(exchange.maskBytes) * 1e-6 / updates, 1e3 * exchange.maskSeconds / updates,
      exchange.maskUpdates)
  }

  private var processor: String? {
    guard let step = summary.processor else { return nil }
    return String(
      format:
        "Processor      %.2f ms and %.2f mJ for a step (model of %@, with DRAM);\n"
        + "               the dense baseline with as many multipliers takes\n"
        + "               %.2f ms and %.2f mJ: %.1f times the time, %.1f times the energy.",
      step.milliseconds, step.millijoules, step.machine, step.denseMilliseconds,
      step.denseMillijoules, step.denseMilliseconds / max(step.milliseconds, 1e-9),
      step.denseMillijoules / max(step.millijoules, 1e-9))
  }

  private var memory: String {
    let mebibyte = Double(1 << 20)
    return String(
      format:
        "Memory         %.0f MiB for activations and gradients (%.0f without sharing);\n"
        + "               peak of the program %.0f MiB.",
      Double(summary.arenaBytes) / mebibyte, Double(summary.arenaBytesUnshared) / mebibyte,
      Double(summary.peakMemoryBytes) / mebibyte)
  }

  private var next: String {
    let commands = [
      ("swpu report \(summary.run)", "all of it as a page with charts"),
      ("swpu predict \(summary.run) IMAGE...", "classify images"),
      ("swpu evaluate \(summary.run)", "accuracy by class"),
      ("swpu simulate \(summary.run)", "what each layer costs on the processor"),
      ("swpu train --against-dense", "the dense twin beside it"),
      ("swpu train --granularity unstructured", "what single weights would give"),
      ("swpu bench step", "what sparsity buys on larger networks"),
    ]
    // The path of a run may be long; what its commands are for is then left out.
    let width = 38
    let lines = commands.map { command, purpose in
      command.count > width
        ? "  " + command
        : "  " + command.padding(toLength: width + 2, withPad: " ", startingAt: 0) + purpose
    }
    return (["The run is in \(summary.run)", "Next:"] + lines).joined(separator: "\n")
  }
}
