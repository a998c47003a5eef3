// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#define LANES 8
#define VECTOR_REGISTERS 16
#define TABLE ck_pairs_avx2
#define TABLE_NAME "avx2"
#include "kernels/system.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi2"))), apply_to = function)
#include "kernels/pair_table.inc"
#pragma clang attribute pop
#endif
