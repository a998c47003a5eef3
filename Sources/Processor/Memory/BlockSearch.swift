// SPDX-License-Identifier: Apache-2.0
/// The search for the blocks that move least.
struct BlockSearch {
  private let blocked: BlockedPass
  private let hardware: HardwareDescription
  /// Bits of each whole tensor in the DRAM, and source rows of a whole map.
  private let wholeBits: [Int]
  private let wholeSourceRows: Int

  struct Choice: Equatable {
    var cut: BlockedPass.Cut
    var order: [BlockedPass.Loop]
    var traffic: MemoryTraffic
  }

  /// The bands of a cut: what depends on the rows of a block alone.
  private struct Bands {
    /// Source rows that the one which reads most reads.
    var most = 0
    /// Source rows that all of them read.
    var sourceRows = 0
  }

  init(_ blocked: BlockedPass, hardware: HardwareDescription) {
    self.blocked = blocked
    self.hardware = hardware
    let everything = BlockedPass.Block(
      groups: 0..<blocked.groups, images: 0..<blocked.images, rows: 0..<blocked.rows,
      outputPlanes: 0..<blocked.outputPlanes, sourcePlanes: 0..<blocked.sourcePlanes)
    wholeBits = BlockedPass.Tensor.allCases.map {
      blocked.tensors.contains($0) ? blocked.bits($0, everything) : 0
    }
    wholeSourceRows = blocked.sourceRows(0..<blocked.rows)
  }

  /// One block of everything.
  var whole: BlockedPass.Cut {
    BlockedPass.Cut(
      groups: blocked.groups, images: blocked.images, rows: blocked.rows,
      outputPlanes: blocked.outputPlanes, sourcePlanes: blocked.sourcePlanes)
  }

  func best() throws(MemoryPlanError) -> Choice {
    var best: (choice: Choice, exposed: Int)?
    var smallest = whole
    for activation in activationCuts {
      let bands = bands(activation.rows)
      for groups in Self.sizes(blocked.groups) {
        // A bundle of several groups is not cut any further.
        let outputs = groups > 1 ? [blocked.outputPlanes] : Self.sizes(blocked.outputPlanes)
        let sources = groups > 1 ? [blocked.sourcePlanes] : Self.sizes(blocked.sourcePlanes)
        for outputPlanes in outputs {
          for sourcePlanes in sources {
            let cut = BlockedPass.Cut(
              groups: groups, images: activation.images, rows: activation.rows,
              outputPlanes: outputPlanes, sourcePlanes: sourcePlanes)
            smallest = cut
            if shortage(cut, bands) != nil { continue }
            for order in blocked.orders {
              let traffic = traffic(cut, bands, order: order)
              if let known = best, known.choice.traffic.total < traffic.total { continue }
              let exposed = exposedCycles(cut, bands)
              if let known = best,
                (known.choice.traffic.total, known.exposed) <= (traffic.total, exposed)
              {
                continue
              }
              best = (Choice(cut: cut, order: order, traffic: traffic), exposed)
            }
          }
        }
      }
    }
    guard let best else {
      // The last cut is the smallest along every loop.
      guard let (key, needed) = shortage(smallest, bands(smallest.rows)) else {
        preconditionFailure("the smallest blocks fit, but were not found")
      }
      throw MemoryPlanError(
        hardware: hardware.name, key: "memory.\(key)-kibibytes",
        problem: "too small for one row of one plane of this \(blocked.pass.rawValue) pass; at "
          + "least \(ceilingDivision(needed, 8 * 1024)) KiB")
    }
    return best.choice
  }

  /// Cuts of the activation side, the smallest last.
  private var activationCuts: [(images: Int, rows: Int)] {
    Self.sizes(blocked.images).map { ($0, blocked.rows) }
      + Self.sizes(blocked.rows).dropFirst().map { (1, $0) }
  }

  /// Sizes of blocks of a loop, descending to 1: those of 1, 2, 3, 4, 6, 8, 12 … blocks.
  static func sizes(_ count: Int) -> [Int] {
    var sizes = [count]
    var blocks = 2
    while blocks < count {
      for number in [blocks, blocks + blocks / 2] {
        let size = ceilingDivision(count, number)
        if size < sizes[sizes.count - 1] { sizes.append(size) }
      }
      blocks *= 2
    }
    if sizes[sizes.count - 1] > 1 { sizes.append(1) }
    return sizes
  }

  /// The first memory that a cut does not fit into, and the bits that it would have to hold.
  private func shortage(_ cut: BlockedPass.Cut, _ bands: Bands) -> (key: String, bits: Int)? {
    let counts = blocked.counts(cut)
    func held(_ tensor: BlockedPass.Tensor) -> Int {
      var blocks = counts.groups
      for loop in blocked.orders[0] where blocked.isCut(tensor, along: loop) {
        blocks *= counts[loop]
      }
      return blocked.largestBits(tensor, cut, sourceRows: bands.most) * (blocks > 1 ? 2 : 1)
    }
    let isWeightGradient = blocked.pass == .weightGradient
    let memory = hardware.memory
    func exceeds(_ bits: Int, _ kibibytes: Int) -> Bool { bits > kibibytes * 8 * 1024 }
    let source = held(.source)
    if exceeds(source, memory.activationKibibytes) { return ("activation", source) }
    let results = held(.results) + (isWeightGradient ? held(.gradient) : 0)
    if exceeds(results, memory.outputKibibytes) { return ("output", results) }
    let weights = isWeightGradient ? 0 : held(.weights)
    if exceeds(weights, memory.weightKibibytes) { return ("weight", weights) }
    let masks = held(.masks)
    return exceeds(masks, memory.maskKibibytes) ? ("mask", masks) : nil
  }

  private func bands(_ rows: Int) -> Bands {
    var bands = Bands()
    for start in stride(from: 0, to: blocked.rows, by: rows) {
      let read = blocked.sourceRows(start..<min(blocked.rows, start + rows))
      bands.sourceRows += read
      bands.most = max(bands.most, read)
    }
    return bands
  }

  /// Cycles of the first load, the last store and a pipeline fill for each block.
  private func exposedCycles(_ cut: BlockedPass.Cut, _ bands: Bands) -> Int {
    let bits = blocked.tensors.reduce(0) {
      $0 + blocked.largestBits($1, cut, sourceRows: bands.most)
    }
    return hardware.transferCycles(bits: bits)
      + blocked.counts(cut).blocks * hardware.array.fillCycles(blocked.pass)
  }

  /// What a cut moves: a tensor moves once for every round of the loops that it is not cut along,
  /// outside the innermost one (of more than one block) that it is. Exact.
  func traffic(_ cut: BlockedPass.Cut, order: [BlockedPass.Loop]) -> MemoryTraffic {
    traffic(cut, bands(cut.rows), order: order)
  }

  private func traffic(_ cut: BlockedPass.Cut, _ bands: Bands, order: [BlockedPass.Loop])
    -> MemoryTraffic
  {
    let counts = blocked.counts(cut)
    var traffic = MemoryTraffic()
    for tensor in blocked.tensors {
      var bits = wholeBits[tensor.rawValue]
      // Bands read rows at their borders twice; along all other loops blocks do not overlap.
      if tensor == .source { bits = bits / max(1, wholeSourceRows) * bands.sourceRows }
      var rounds = 1
      for loop in order {
        if !blocked.isCut(tensor, along: loop) {
          rounds *= counts[loop]
        } else if counts[loop] > 1 {
          // All rounds outside this loop move the tensor again.
          bits *= rounds
          rounds = 1
        }
      }
      switch tensor {
      case .source: traffic.sourceBits = bits
      case .gradient: traffic.gradientBits = bits
      case .weights: traffic.weightBits = bits
      case .masks: traffic.maskBits = bits
      case .results: traffic.resultBits = bits
      }
    }
    return traffic
  }
}
