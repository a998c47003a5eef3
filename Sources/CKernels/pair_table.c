// SPDX-License-Identifier: Apache-2.0
#include "ckernels.h"

#include <stddef.h>

// CK_BASELINE_ONLY leaves the tables for wider vectors out: make sanitize-baseline need not compile them.
#if defined(__x86_64__) && !defined(CK_BASELINE_ONLY)
#define HAS_WIDE_TABLES
#endif

#ifdef HAS_WIDE_TABLES
extern const ck_pair_kernels ck_pairs_avx512bf16, ck_pairs_avx512, ck_pairs_avx2;
#endif
extern const ck_pair_kernels ck_pairs_baseline;

const ck_pair_kernels *ck_pair_table(int32_t index) {
  static const ck_pair_kernels *const tables[] = {
#ifdef HAS_WIDE_TABLES
      &ck_pairs_avx512bf16, &ck_pairs_avx512, &ck_pairs_avx2,
#endif
      &ck_pairs_baseline,
  };
  const int32_t count = sizeof tables / sizeof *tables;
  return index >= 0 && index < count ? tables[index] : NULL;
}

int32_t ck_pair_table_supported(int32_t index) {
  const ck_pair_kernels *pairs = ck_pair_table(index);
  if (pairs == NULL) return 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (pairs->multiplies_bf16 &&
      !(__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi2")))
    return 0;
#endif
  // What else kernels on pairs use is what those on floats of the same layout use.
  for (int32_t i = 0; ck_table(i) != NULL; i++)
    if (ck_table(i)->lanes == pairs->lanes) return ck_table_supported(i);
  return 0;
}

// An Emerald Rapids makes products of BF16 values at half the rate of floats, so that converting in registers is
// 1.1 to 1.4 times as fast (docs/results/intel.json). Other processors of Intel were not measured.
static int dots_are_slow(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("intel");
#else
  return 0;
#endif
}

const ck_pair_kernels *ck_fastest_pair_table(int32_t lanes) {
  for (int32_t i = 0; ck_pair_table(i) != NULL; i++) {
    const ck_pair_kernels *pairs = ck_pair_table(i);
    if (pairs->lanes == lanes && ck_pair_table_supported(i) &&
        !(pairs->multiplies_bf16 && dots_are_slow()))
      return pairs;
  }
  return NULL;
}
