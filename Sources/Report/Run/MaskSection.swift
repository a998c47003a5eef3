// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor

/// Drawings of the last masks, in the order of the filters and in that of the processor.
struct MaskSection {
  private let runs: [RunRecord]
  private let hardware: HardwareDescription

  init(_ runs: [RunRecord], hardware: HardwareDescription) {
    self.runs = runs
    self.hardware = hardware
  }

  func section(_ figures: inout Figures) -> Page.Section {
    var content = [
      Markup.paragraph(
        "A weight is kept where its line (a kernel row of one filter) and its shape (the same place "
          + "in every filter) are both kept. The processor takes filters in groups of "
          + "\(hardware.array.rows), and a group is done when its slowest filter is: reordering puts "
          + "filters with like needs into one group."),
      Markup.paragraph(
        "Strong: kept weights. Faint: kept lines where a shape is pruned. The strip above: kept "
          + "shapes. On the right: the weights of each filter over all channels, and in grey what it "
          + "stalls for the slowest of its group. Large layers are cut off: the first filters of each "
          + "order, and as many channels as fit."),
    ]
    var isEmpty = true
    for run in runs where run.isPruned {
      let layers = chosen(run)
      if layers.isEmpty { continue }
      isEmpty = false
      if runs.count > 1 { content.append(.heading(run.name)) }
      for layer in layers {
        content.append(.grid(pictures(layer).map { figures.add($0) }))
      }
    }
    if isEmpty {
      content = [
        .paragraph("Nothing was pruned, or the run recorded no network, so there is no drawing.")
      ]
    }
    return Page.Section(
      id: "masks", title: "Masks before and after reordering", content: content)
  }

  /// Layers from the front, the middle and the back of the network; fewer where runs are many.
  private func chosen(_ run: RunRecord) -> [Workload.Layer] {
    let pruned = run.workload?.layers.filter { $0.granularity != .dense } ?? []
    if pruned.count <= 1 { return pruned }
    let places =
      switch runs.count {
      case 1: [0, pruned.count / 2, pruned.count - 1]
      case 2, 3: [0, pruned.count / 2]
      default: [pruned.count / 2]
      }
    return Set(places).sorted().map { pruned[$0] }
  }

  private func pictures(_ layer: Workload.Layer) -> [MaskPicture] {
    let part = LoweredPart.lower(layer.geometry, mask: layer.mask, pass: .forward)[0]
    let size = hardware.array.rows
    return [
      MaskPicture(
        layer, groups: part.groups(of: size, order: .natural), order: "filters as they are"),
      MaskPicture(layer, groups: part.groups(of: size, order: .hamming), order: "reordered"),
    ]
  }
}
