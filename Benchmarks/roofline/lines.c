// SPDX-License-Identifier: Apache-2.0
// What a line of one, two or three kept taps can reach at best: the inner loop of the forward kernel
// alone, over lines at random places of maps that fill the second-level cache. No lists, no edges, no
// results written, no next rows fetched.
//
//   clang -O3 -march=native Benchmarks/roofline/lines.c -o lines && ./lines
//
// Prints bytes a multiply-add cycle that loads alone reach, and for each number of taps the share of
// the peak, the best of fifty rounds each. For AVX-512 (16 sums in registers); one thread.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LANES 16
#define TILE 16
#define LINES 20000
typedef float vec __attribute__((vector_size(4 * LANES)));

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static volatile float sink;

static void keep(const vec *sums, int count) {
  float total = 0;
  for (int i = 0; i < count; i++)
    for (int lane = 0; lane < LANES; lane++) total += sums[i][lane];
  sink = total;
}

static __attribute__((noinline)) void multiply_adds(long rounds) {
  vec sums[8], half = (vec){} + 0.5f;
  for (int i = 0; i < 8; i++) sums[i] = (vec){} + (float)i;
  for (long round = 0; round < rounds; round++)
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) sums[i] = sums[i] * half + half;
  keep(sums, 8);
}

static __attribute__((noinline)) void loads(const vec *maps, const int32_t *lines) {
  vec sums[2] = {};
  for (int line = 0; line < LINES; line++)
#pragma clang loop unroll(full)
    for (int x = 0; x < TILE + 2; x++) sums[x % 2] += maps[lines[line] + x];
  keep(sums, 2);
}

static inline __attribute__((always_inline)) void taps(const vec *maps, const int32_t *lines,
                                                       const float *weights, const int count) {
  vec sums[TILE] = {};
  for (int line = 0; line < LINES; line++) {
    const vec *place = maps + lines[line];
    vec weight[3];
#pragma clang loop unroll(full)
    for (int s = 0; s < count; s++) weight[s] = (vec){} + weights[line * count + s];
#pragma clang loop unroll(full)
    for (int x = 0; x < TILE + count - 1; x++)
#pragma clang loop unroll(full)
      for (int s = 0; s < count; s++)
        if (x >= s && x - s < TILE) sums[x - s] += place[x] * weight[s];
  }
  keep(sums, TILE);
}

static __attribute__((noinline)) void one(const vec *m, const int32_t *l, const float *w) { taps(m, l, w, 1); }
static __attribute__((noinline)) void two(const vec *m, const int32_t *l, const float *w) { taps(m, l, w, 2); }
static __attribute__((noinline)) void three(const vec *m, const int32_t *l, const float *w) { taps(m, l, w, 3); }

int main(void) {
  const int channels[] = {64, 128}, columns = 32;
  const size_t size = (size_t)64 << 20;
  vec *maps = aligned_alloc((size_t)2 << 20, size);
  memset(maps, 0, size);
  int32_t *lines = malloc(sizeof(int32_t) * LINES);
  float *weights = calloc((size_t)LINES * 3, sizeof(float));
  for (int i = 0; i < 2; i++) {
    // Three rows of each map, as a row of results reads them.
    for (int line = 0; line < LINES; line++)
      lines[line] = rand() % channels[i] * columns * columns + rand() % 3 * columns;
    void (*const kernels[])(const vec *, const int32_t *, const float *) = {one, two, three};
    double best[4] = {}, peak = 0;
    for (int repeat = 0; repeat < 50; repeat++) {
      double start = seconds();
      multiply_adds(200000);
      const double rate = 1.6e6 / (seconds() - start);  // multiply-adds of a vector a second
      if (rate > peak) peak = rate;
      for (int count = 0; count < 4; count++) {  // taps; 0 loads alone
        start = seconds();
        if (count == 0) loads(maps, lines);
        else kernels[count - 1](maps, lines, weights);
        const double work = (double)LINES * (count == 0 ? sizeof(vec) * (TILE + 2) : count * TILE);
        const double speed = work / (seconds() - start);
        if (speed > best[count]) best[count] = speed;
      }
    }
    printf("%d maps of 32x32, %d KiB: %.1f bytes a cycle; %.0f, %.0f and %.0f %% of the peak for 1, 2 "
           "and 3 taps\n",
           channels[i], channels[i] * 3 * columns * (int)sizeof(vec) / 1024, best[0] / peak,
           100 * best[1] / peak, 100 * best[2] / peak, 100 * best[3] / peak);
  }
  return 0;
}
