// SPDX-License-Identifier: Apache-2.0
// What maps in 16 bits gain where they are converted in registers: the forward pass of kept lines with
// FP32 sums, 16 images in the lanes, on maps held as floats, as words of two BF16 columns, and as FP16.
// A tile of eight outputs, as in the engine, without its patterns of taps and edges.
//
//   clang -O3 -march=native -mprefer-vector-width=512 Benchmarks/roofline/half.c -o half
//   ./half [ROUNDS [DENSITY]]
//
// Prints the best of ROUNDS (15) rounds, interleaved; one thread, AVX-512.
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef float vec __attribute__((vector_size(64)));
enum { FP32, BF16, FP16, KINDS };
static const char *const names[] = {"FP32", "BF16", "FP16"};

typedef struct { int count, *channels, *rows; float *weights; } lines;
// Rows have two columns of zeros on both sides.
typedef struct { char *values; long plane, row; int channels, height, width; } map;

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

#define INLINE static inline __attribute__((always_inline))

// Ten columns of a row, from an odd one on.
INLINE void load(int kind, const char *row, int column, vec *to) {
  if (kind == FP32)
    for (int i = 0; i < 10; i++) to[i] = *(const vec *)(row + (column + i) * 64);
  else if (kind == FP16)
    for (int i = 0; i < 10; i++)
      to[i] = (vec)_mm512_cvtph_ps(*(const __m256i *)(row + (column + i) * 32));
  else
    for (int i = 0; i < 6; i++) {
      const __m512i word = *(const __m512i *)(row + (column / 2 + i) * 64);
      if (i > 0) to[2 * i - 1] = (vec)_mm512_slli_epi32(word, 16);
      if (i < 5) to[2 * i] = (vec)_mm512_and_si512(word, _mm512_set1_epi32((int)0xffff0000));
    }
}

INLINE void tile(int kind, const map *in, const lines *list, int y, int x, vec *out) {
  vec sum[8] = {};
  for (int n = 0; n < list->count; n++) {
    const int row = y + list->rows[n] - 1;
    if (row < 0 || row >= in->height) continue;
    vec values[11];
    load(kind, in->values + list->channels[n] * in->plane + row * in->row, x + 1, values);
    for (int tap = 0; tap < 3; tap++) {
      const vec weight = (vec){} + list->weights[3 * n + tap];
      for (int i = 0; i < 8; i++) sum[i] += weight * values[i + tap];
    }
  }
  for (int i = 0; i < 8; i++) out[i] = sum[i];
}

#define PASS(NAME, KIND)                                                                     \
  static __attribute__((noinline)) void NAME(const map *in, const lines *lists, vec *out) {  \
    for (int y = 0; y < in->height; y++)                                                     \
      for (int filter = 0; filter < in->channels; filter++)                                  \
        for (int x = 0; x < in->width; x += 8)                                               \
          tile(KIND, in, lists + filter, y, x,                                               \
               out + (filter * in->height + y) * in->width + x);                             \
  }
PASS(pass32, FP32)
PASS(passBF16, BF16)
PASS(passFP16, FP16)

static float uniform(void) { return rand() / (float)RAND_MAX - 0.5f; }

int main(int count, char **arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 15;
  const double density = count > 2 ? atof(arguments[2]) : 0.1;
  const int cases[][2] = {{64, 32}, {128, 16}, {256, 8}};
  void (*const passes[])(const map *, const lines *, vec *) = {pass32, passBF16, passFP16};
  for (int c = 0; c < 3; c++) {
    const int channels = cases[c][0], side = cases[c][1];
    srand(1);
    lines *lists = calloc(channels, sizeof *lists);
    long kept = 0;
    for (int filter = 0; filter < channels; filter++) {
      lines *list = lists + filter;
      list->channels = malloc(3 * channels * sizeof(int));
      list->rows = malloc(3 * channels * sizeof(int));
      list->weights = malloc(9 * channels * sizeof(float));
      for (int row = 0; row < 3; row++)
        for (int channel = 0; channel < channels; channel++) {
          if (uniform() + 0.5 >= density) continue;
          list->channels[list->count] = channel;
          list->rows[list->count] = row;
          for (int tap = 0; tap < 3; tap++) list->weights[3 * list->count + tap] = uniform();
          list->count++;
        }
      kept += list->count;
    }
    map in[KINDS];
    for (int kind = 0; kind < KINDS; kind++) {
      const long row = (side + 4) * (kind == FP32 ? 64L : 32L), bytes = channels * side * row + 4096;
      in[kind] = (map){aligned_alloc(4096, (bytes + 4095) / 4096 * 4096), side * row, row, channels,
                       side, side};
      memset(in[kind].values, 0, bytes);
    }
    for (int channel = 0; channel < channels; channel++)
      for (int y = 0; y < side; y++)
        for (int x = 2; x < side + 2; x++)
          for (int lane = 0; lane < 16; lane++) {
            float value = uniform();
            uint32_t bits;
            memcpy(&bits, &value, 4);
            bits = (bits + 0x8000) & 0xffff0000;  // what all three hold
            memcpy(&value, &bits, 4);
            const long row = (long)channel * side + y;
            ((float *)(in[FP32].values + row * in[FP32].row))[x * 16 + lane] = value;
            ((uint32_t *)(in[BF16].values + row * in[BF16].row))[x / 2 * 16 + lane] |=
                x % 2 ? bits : bits >> 16;
            ((uint16_t *)(in[FP16].values + row * in[FP16].row))[x * 16 + lane] = _cvtss_sh(value, 0);
          }
    vec *out = aligned_alloc(64, (size_t)channels * side * side * sizeof(vec));
    double best[KINDS] = {1e9, 1e9, 1e9}, sums[KINDS];
    for (int round = 0; round < rounds; round++)
      for (int kind = 0; kind < KINDS; kind++) {
        const double start = seconds();
        passes[kind](in + kind, lists, out);
        const double taken = seconds() - start;
        if (taken < best[kind]) best[kind] = taken;
        sums[kind] = 0;
        for (long i = 0; i < (long)channels * side * side; i++) sums[kind] += out[i][i % 16];
      }
    printf("%d@%dx%d:", channels, side, side);
    for (int kind = 0; kind < KINDS; kind++)
      printf("  %s %.3f ms (%.0f GFLOP/s)", names[kind], best[kind] * 1e3,
             6.0 * kept * side * side * 16 / best[kind] * 1e-9);
    // FP16 has subnormals where BF16 has none, so the sums part a little.
    printf("  sums %g %g %g\n", sums[FP32], sums[BF16], sums[FP16]);
  }
}
