// SPDX-License-Identifier: Apache-2.0
/// Cycles between the stations of a core, as `rtl/src` builds them. The recurrence of `RowClock` counts
/// in the cycles of the scan; the rows run `loadToRow` cycles behind it, their adders `takeToAdd` more.
package enum CorePipeline {
  /// Bits of a row's mask that are scanned in a cycle.
  package static let maskWord = 64
  /// From the start of an item to the first word scanned.
  package static let start = 1
  /// From the last read of a window to the first cycle in which a row can take of it; and so also from
  /// a row's last take of a window until the scan's side sees the slot free.
  package static let loadToRow = 1
  /// From the cycle in which a row takes operand vectors to that in which their products are added:
  /// the network, the mask's word, the weight, the operands, the product.
  package static let takeToAdd = 5
}
