// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPass {
  /// The dense array on what is left when whole shapes, channels and filters are taken out: a filter
  /// with any kept weight is whole, and so is a shape.
  ///
  /// Rows without an entry are not scheduled; an entry is left out where no row of a group has it.
  func onStructuredMachine() -> PassRun {
    let projected = projectedMask
    let parts = LoweredPart.lower(layer.geometry, mask: projected, pass: pass)
      .compactMap(\.withoutEmptyRows)
    let packed = hardware(detects: true, compresses: false)
    let schedule = PassSchedule(parts, pass: pass, images: images, hardware: packed)
    let products = parts.reduce(0) { $0 + $1.products(images: images) }
    var activity = activity(
      schedule, packed, notPruned: pass == .weightGradient ? products : effectualMACs)
    // One bit an entry for the whole group, scanned for each tile that packs its windows.
    activity.maskBits = schedule.cores.joined().reduce(0) { bits, item in
      let part = schedule.groups[item.group].part
      let scans = pass == .weightGradient ? 1 : schedule.orders[part][item.order].tileCount
      return bits + parts[part].entries * scans
    }
    let shape = layer.mask.shape
    return PassRun(
      timing: schedule.fastTiming(packed), activity: activity,
      maskBits: shape.filters + layer.geometry.groups * shape.weightsPerFilter,
      storedWeights: projected.keptElements,
      restart: schedule.restart(packed))
  }

  /// The least mask of whole filters and whole shapes that keeps what the layer's mask keeps. In a
  /// grouped convolution the filters of a group share shapes.
  var projectedMask: LayerMask {
    let shape = layer.mask.shape
    let kept = layer.mask.elementBits
    let perGroup = shape.filters / layer.geometry.groups
    var isFilterKept = [Bool](repeating: false, count: shape.filters)
    var shapes = [Bits](
      repeating: Bits(count: shape.weightsPerFilter), count: layer.geometry.groups)
    for element in kept.setBits {
      let (filter, place) = element.quotientAndRemainder(dividingBy: shape.weightsPerFilter)
      isFilterKept[filter] = true
      shapes[filter / perGroup][place] = true
    }
    var elements = Bits(count: shape.count)
    for filter in 0..<shape.filters where isFilterKept[filter] {
      for place in shapes[filter / perGroup].setBits {
        elements[filter * shape.weightsPerFilter + place] = true
      }
    }
    return LayerMask(shape: shape, elements: elements)
  }
}

extension LoweredPart {
  /// The part with the rows that need any entry; nil where none does.
  fileprivate var withoutEmptyRows: LoweredPart? {
    let left = (0..<rows).filter { needed(row: $0) > 0 }
    if left.isEmpty { return nil }
    return LoweredPart(
      pass: pass, rows: left.count, planes: planes, rowAxis: rowAxis, columnAxis: columnAxis,
      taps: taps, words: left.flatMap { mask($0) })
  }
}
