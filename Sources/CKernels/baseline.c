// SPDX-License-Identifier: Apache-2.0
// What every CPU of the architecture has: NEON on arm64 (32 registers), SSE2 on x86-64 (16).
#define LANES 4
#define TABLE ck_table_baseline
#if defined(__aarch64__)
#define VECTOR_REGISTERS 32
#define TABLE_NAME "neon"
#else
#define VECTOR_REGISTERS 16
#define TABLE_NAME "baseline"
#endif
#include "kernels/system.h"
#include "kernels/table.inc"
