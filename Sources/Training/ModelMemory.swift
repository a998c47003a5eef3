// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// The memory that training a network takes at least, known before anything is laid out.
package struct ModelMemory {
  let network: Network
  let batch: Int
  /// Activations and gradients in their planned memory.
  let arenaBytes: Int
  /// The arena, and the images before they are laid out.
  package let activationBytes: Int
  /// Weights, their gradients, one state of an optimiser, and lists of what is kept as long as two of them.
  package let weightBytes: Int

  init(_ network: Network, batch: Int, arenaBytes: Int) {
    self.network = network
    self.batch = batch
    self.arenaBytes = arenaBytes
    activationBytes = arenaBytes + 4 * batch * network.map(network.input).count
    weightBytes = 5 * 4 * network.parameterCount
  }

  /// Memory for activations and gradients, when all of it can be had.
  ///
  /// Systems promise more than they have, so the machine's memory is a limit of its own.
  ///
  /// - Throws: `MemoryError`.
  func arena(
    machineBytes: UInt64 = ProcessInfo.processInfo.physicalMemory
  ) throws(MemoryError) -> Storage {
    let bytes = activationBytes + weightBytes
    // All of it is reserved for a moment, because the weights come later, piece by piece.
    if UInt64(bytes) <= machineBytes, (try? Storage(bytes: bytes)) != nil,
      let arena = try? Storage(bytes: arenaBytes)
    {
      return arena
    }
    throw MemoryError(self, machineBytes: machineBytes)
  }
}

/// A network that needs more memory than there is.
public struct MemoryError: Error, Equatable, CustomStringConvertible {
  /// The network.
  public let network: String
  /// Its images.
  public let images: MapShape
  /// Batch size.
  public let batch: Int
  /// What its activations and gradients take.
  public let activationBytes: Int
  /// What its weights and their training take at least.
  public let weightBytes: Int
  /// Memory of the machine.
  public let machineBytes: UInt64

  init(_ memory: ModelMemory, machineBytes: UInt64) {
    network = memory.network.name
    images = memory.network.map(memory.network.input)
    batch = memory.batch
    activationBytes = memory.activationBytes
    weightBytes = memory.weightBytes
    self.machineBytes = machineBytes
  }

  /// What was asked for, what there is, and what would need less.
  public var description: String {
    func gibibytes(_ bytes: Double) -> String { String(format: "%.1f GiB", bytes / 0x1p30) }
    return "\(network) in batches of \(batch) images of \(images) needs "
      + "\(gibibytes(Double(activationBytes))) for activations and gradients and "
      + "\(gibibytes(Double(weightBytes))) for weights, which cannot be reserved: this machine has "
      + "\(gibibytes(Double(machineBytes))). A smaller batch, width or image size needs less"
  }
}
