/* SPDX-License-Identifier: Apache-2.0
 *
 * ICU's table of languages, countries and calendars, with no entry: 34 MB that libswpu.so would hold
 * for nothing. Yams needs the whole of Foundation, and with it ICU, for regular expressions, whose
 * character classes are code. Nothing in the library asks for a language; who does finds it missing.
 */
#include <stdint.h>

/* The header of ICU's common data, format CmnD 1. */
struct common_data {
  uint16_t header_bytes;
  uint8_t magic[2];
  uint16_t info_bytes, reserved;
  uint8_t big_endian, charset, char_bytes, reserved_byte;
  uint8_t format[4], format_version[4], data_version[4];
  uint32_t entries, padding;
};

_Alignas(16) const struct common_data swpu_no_icu_data = {
  .header_bytes = 24,
  .magic = {0xda, 0x27},
  .info_bytes = 20,
  .big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
  .char_bytes = 2,
  .format = {'C', 'm', 'n', 'D'},
  .format_version = {1},
};
