// SPDX-License-Identifier: Apache-2.0
#define LANES 4
#define TABLE ck_pairs_baseline
#if defined(__aarch64__)
#define VECTOR_REGISTERS 32
#define TABLE_NAME "neon"
#else
#define VECTOR_REGISTERS 16
#define TABLE_NAME "baseline"
#endif
#include "kernels/system.h"
#include "kernels/pair_table.inc"
