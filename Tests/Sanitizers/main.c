// SPDX-License-Identifier: Apache-2.0
// Runs every kernel over random layers and compares it with plain loops: under AddressSanitizer and
// UndefinedBehaviorSanitizer (make sanitize), as released (make release-kernels), for arm64 (make arm64):
//
//     kernels [layers [first seed]]
//
// `Storage` maps whole pages, so a sanitizer in the Swift tests would see no overrun. Here every buffer
// has its exact size.
#include "buffers.h"

static int is_run(int supported, const char *table) {
  printf("%s: %s\n", table, supported ? "layers and planes" : "not supported here");
  fflush(stdout);
  return supported;
}

int main(int count, char **arguments) {
  const long layers = count > 1 ? atol(arguments[1]) : 300;
  const uint64_t first = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
  for (int32_t index = 0; ck_table(index) != NULL; index++) {
    const ck_kernels *table = ck_table(index);
    if (!is_run(ck_table_supported(index), table->name)) continue;
    for (uint64_t seed = first; seed < first + (uint64_t)layers; seed++) {
      check_layers(table, seed);
      check_planes(table, seed);
    }
  }
  for (int32_t index = 0; ck_pair_table(index) != NULL; index++) {
    const ck_pair_kernels *table = ck_pair_table(index);
    if (!is_run(ck_pair_table_supported(index), table->name)) continue;
    for (uint64_t seed = first; seed < first + (uint64_t)layers; seed++) check_pairs(table, seed);
  }
  return 0;
}
