// SPDX-License-Identifier: Apache-2.0
import Files

extension ByteReader {
  /// A bit set of known size.
  mutating func bits(_ count: Int, _ field: String) throws(InputError) -> Bits {
    let encoded = try take(Bits.byteCount(count), field)
    guard let bits = Bits(count: count, bytes: encoded) else {
      throw error(field, found: "bits beyond the last", allowed: "\(count) bits, then zeros")
    }
    return bits
  }
}
