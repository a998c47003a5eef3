// SPDX-License-Identifier: Apache-2.0
#include "ckernels.h"

#include <stddef.h>

// CK_BASELINE_ONLY leaves the tables for wider vectors out: make sanitize-baseline need not compile them.
#if defined(__x86_64__) && !defined(CK_BASELINE_ONLY)
#define HAS_WIDE_TABLES
#endif

const uint8_t ck_tap_patterns[7] = {7, 6, 3, 5, 4, 2, 1};

#ifdef HAS_WIDE_TABLES
extern const ck_kernels ck_table_avx512, ck_table_avx2;
#endif
extern const ck_kernels ck_table_baseline;

const ck_kernels *ck_table(int32_t index) {
  static const ck_kernels *const tables[] = {
#ifdef HAS_WIDE_TABLES
      &ck_table_avx512, &ck_table_avx2,
#endif
      &ck_table_baseline,
  };
  const int32_t count = sizeof tables / sizeof *tables;
  return index >= 0 && index < count ? tables[index] : NULL;
}

int32_t ck_table_supported(int32_t index) {
  if (ck_table(index) == NULL) return 0;
#ifdef HAS_WIDE_TABLES
  __builtin_cpu_init();
  if (index == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (index == 1)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
#endif
  return 1;
}
