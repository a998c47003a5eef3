// SPDX-License-Identifier: Apache-2.0
import Foundation
import Training

/// The end of a training in words and a table.
struct SummaryText {
  private let summary: RunSummary

  init(_ summary: RunSummary) { self.summary = summary }

  var text: String {
    [headline, layerTable, speed, processor, memory, next].compactMap(\.self).joined(
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
          String(format: "; %.1f%% of the dense network's multiply-accumulates", 100 * $0)
        } ?? ""),
    ]
    if let dense = summary.dense {
      let times = (mean(dense.epochSeconds), mean(summary.epochSeconds))
      lines.append(
        String(
          format: "Dense twin     %.2f%%  test accuracy; %.1f s an epoch, the pruned one %.1f s",
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
    String(
      format:
        "A step takes %.1f ms with the final masks; without pruning %.1f ms: %.1f times faster.\n"
        + "(Both measured now, in turn, on %d threads of %@, %@ kernels.)",
      summary.stepMilliseconds, summary.denseStepMilliseconds,
      summary.denseStepMilliseconds / max(summary.stepMilliseconds, 1e-9),
      summary.machine.threads, summary.machine.processor, summary.machine.kernels)
  }

  private var processor: String? {
    guard let step = summary.processor else { return nil }
    return String(
      format:
        "On the SWPU processor (modelled, %@): a step takes %.2f ms and %.2f mJ, DRAM included;\n"
        + "its dense baseline with as many multipliers %.2f ms and %.2f mJ: %.1f times slower, "
        + "%.1f times the energy.",
      step.machine, step.milliseconds, step.millijoules, step.denseMilliseconds,
      step.denseMillijoules, step.denseMilliseconds / max(step.milliseconds, 1e-9),
      step.denseMillijoules / max(step.millijoules, 1e-9))
  }

  private var memory: String {
    let mebibyte = Double(1 << 20)
    return String(
      format:
        "Memory: %.0f MiB for all activations and gradients (%.0f without sharing), %.0f MiB at the "
        + "peak of the program.",
      Double(summary.arenaBytes) / mebibyte, Double(summary.arenaBytesUnshared) / mebibyte,
      Double(summary.peakMemoryBytes) / mebibyte)
  }

  private var next: String {
    let commands = [
      ("swpu report \(summary.run)", "all of it as a page with charts"),
      ("swpu evaluate \(summary.run)", "the test images once more"),
      ("swpu simulate \(summary.run)", "what each layer costs on the processor"),
      ("swpu train --against-dense", "the dense twin beside it"),
      ("swpu train --granularity unstructured", "what single weights would give"),
      ("swpu bench step", "what sparsity buys on larger networks"),
    ]
    let width = commands.map(\.0.count).max() ?? 0
    let lines = commands.map { command, purpose in
      "  " + command.padding(toLength: width + 3, withPad: " ", startingAt: 0) + purpose
    }
    return (["The run is in \(summary.run)", "Next:"] + lines).joined(separator: "\n")
  }
}
