// SPDX-License-Identifier: Apache-2.0
// Buffers of exact size, and random numbers.
#ifndef BUFFERS_H
#define BUFFERS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckernels.h"

// SplitMix64.
static inline uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static inline int32_t below(uint64_t *state, int32_t bound) {
  return (int32_t)(next_random(state) % (uint64_t)bound);
}

static inline float small_float(uint64_t *state) {
  return (float)(next_random(state) >> 40) * 0x1p-24f - 0.5f;
}

// Buffers of exactly the bytes asked for; the address sanitizer poisons those next to them. Without it they lie
// between pages that cannot be touched (guards.c).
void *exact(size_t bytes);
// The same from a cache line on, for the kernels' scratch.
void *exact_on_line(size_t bytes);
void give_back(void *memory);

static inline float *randomised(float *values, uint64_t *state, int64_t count) {
  for (int64_t i = 0; i < count; i++) values[i] = small_float(state);
  return values;
}

static inline float *random_floats(uint64_t *state, int64_t count) {
  return randomised(exact((size_t)count * sizeof(float)), state, count);
}

static inline float *random_scratch(uint64_t *state, int64_t count) {
  return randomised(exact_on_line((size_t)count * sizeof(float)), state, count);
}

static inline void fail(const char *what, uint64_t seed, const char *table) {
  fprintf(stderr, "%s: wrong result, seed %llu, %s\n", what, (unsigned long long)seed, table);
  exit(1);
}

void check_layers(const ck_kernels *table, uint64_t seed);
void check_planes(const ck_kernels *table, uint64_t seed);
void check_pairs(const ck_pair_kernels *table, uint64_t seed);

#endif
