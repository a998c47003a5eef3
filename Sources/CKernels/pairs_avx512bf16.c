// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#define LANES 16
#define VECTOR_REGISTERS 32
#define BF16_DOT
#define TABLE ck_pairs_avx512bf16
#define TABLE_NAME "avx512bf16"
#include "kernels/system.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vbmi2,avx512bf16,avx2,fma,f16c,bmi2"))), apply_to = function)
#include "kernels/pair_table.inc"
#pragma clang attribute pop
#endif
