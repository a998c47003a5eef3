// SPDX-License-Identifier: Apache-2.0
// The floating-point control word of a thread and the pause of a spinning one.
#include "ckernels.h"

#if defined(__x86_64__)

// MXCSR: flush-to-zero (bit 15) for results, denormals-are-zero (bit 6) for operands.
uint64_t ck_flush_subnormals(void) {
  const uint32_t previous = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(previous | 0x8040);
  return previous;
}

void ck_restore_float_control(uint64_t previous) { __builtin_ia32_ldmxcsr((uint32_t)previous); }

void ck_spin_pause(void) { __builtin_ia32_pause(); }

#elif defined(__aarch64__)

// FPCR: flush-to-zero (bit 24), for operands and results.
uint64_t ck_flush_subnormals(void) {
  uint64_t previous;
  __asm__ volatile("mrs %0, fpcr" : "=r"(previous));
  ck_restore_float_control(previous | 1u << 24);
  return previous;
}

void ck_restore_float_control(uint64_t previous) {
  __asm__ volatile("msr fpcr, %0" : : "r"(previous));
}

void ck_spin_pause(void) { __asm__ volatile("yield"); }

#else
#error "x86-64 or arm64"
#endif
