// SPDX-License-Identifier: Apache-2.0
// The engine's own kernels of one 3x3 layer on maps of floats, and on maps in BF16 by dot products and
// converted in registers: which of the two is faster on this processor (`ck_fastest_pair_table`).
//
//   K=Sources/CKernels; clang -O2 -w -I$K/include Benchmarks/roofline/pairs.c $K/*.c -lm -o pairs
//   ./pairs CHANNELS SIDE IMAGES DENSITY
//
// Lines are full and lie at random places. Prints milliseconds, the median of nine interleaved turns; one
// thread, AVX-512 with BF16.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ckernels.h"

enum { FLOATS, DOTS, CONVERTED, KINDS, TURNS = 9 };
static const char *const names[] = {"floats", "dots", "converted"};

extern const ck_kernels ck_table_avx512;
extern const ck_pair_kernels ck_pairs_avx512bf16, ck_pairs_avx512;

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void *memory(size_t bytes) { return aligned_alloc(64, (bytes + 127) / 64 * 64); }

// Every line of filter, kernel row and channel that chance keeps; three weights each.
static ck_list random_list(int channels, double density, int32_t *entries) {
  const size_t lines = (size_t)channels * channels * 3;
  int32_t *starts = malloc(((size_t)channels * 21 + 1) * sizeof *starts);
  int32_t *sources = malloc(lines * sizeof *sources), *places = malloc(lines * sizeof *places);
  int32_t count = 0;
  for (int row = 0; row < channels * 3; row++) {
    starts[row * 7] = count;
    for (int channel = 0; channel < channels; channel++)
      if (rand() < density * RAND_MAX) {
        sources[count] = channel;
        places[count] = count * 3;
        count++;
      }
    for (int pattern = 1; pattern < 7; pattern++) starts[row * 7 + pattern] = count;
  }
  starts[channels * 21] = count;
  *entries = count;
  return (ck_list){.form = CK_LINES3, .outputs = channels, .segments = 21, .starts = starts,
                   .sources = sources, .places = places};
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: pairs CHANNELS SIDE IMAGES DENSITY\n");
    return 2;
  }
  const int channels = atoi(arguments[1]), side = atoi(arguments[2]), images = atoi(arguments[3]);
  if (channels < 4 || side < 4 || side % 2 != 0 || images < 16 || images % 16 != 0) {
    fprintf(stderr, "pairs: 4 channels or more, an even side from 4 on, and a multiple of 16 images\n");
    return 2;
  }
  int32_t entries;
  const ck_list list = random_list(channels, atof(arguments[4]), &entries);
  const size_t words = (size_t)images * channels * ck_plane_distance(side * side);
  float *input = memory(words * 4), *output = memory(words * 4);
  float *weights = memory((size_t)entries * 12 + 64), *gradient = memory((size_t)entries * 12 + 64);
  uint16_t *rounded = memory((size_t)entries * 6 + 64);
  for (int32_t i = 0; i < entries * 3; i++) {
    weights[i] = 0.25f;
    rounded[i] = 0x3e80;
  }
  double times[KINDS][2][TURNS];
  for (int turn = 0; turn < TURNS; turn++)
    for (int kind = 0; kind < KINDS; kind++) {
      const ck_pair_kernels *pairs = kind == DOTS ? &ck_pairs_avx512bf16 : &ck_pairs_avx512;
      const int width = kind == FLOATS ? side : side / 2;
      const ck_conv_shape shape = {
          .blocks = images / 16, .channels = channels, .height = side, .width = width, .filters = channels,
          .out_height = side, .out_width = width, .rows = 3, .columns = 3, .stride = 1,
          .padding_rows = 1, .padding_columns = 1};
      const uint32_t half = kind == FLOATS ? 0x3f000000 : 0x3f003f00;
      for (size_t i = 0; i < words; i++) memcpy(input + i, &half, 4);
      ck_conv_args forward = {.shape = shape, .list = list, .source = input, .destination = output};
      forward.list.weights = kind == FLOATS ? weights : (const float *)rounded;
      const int64_t floats = kind == FLOATS
          ? ck_table_avx512.weight_gradient_scratch(&shape, CK_LINES3, entries)
          : pairs->weight_gradient_scratch(&shape, CK_LINES3, entries);
      float *scratch = memory((size_t)floats * 4);
      const ck_weight_gradient_args backward = {
          .shape = shape, .list = list, .input = input, .output_gradient = output,
          .gradient = gradient, .scratch = scratch};
      const double start = seconds();
      kind == FLOATS ? ck_table_avx512.forward(&forward, 0, 1) : pairs->forward(&forward, 0, 1);
      const double middle = seconds();
      kind == FLOATS ? ck_table_avx512.weight_gradient(&backward, 0, 1)
                     : pairs->weight_gradient(&backward, 0, 1);
      times[kind][0][turn] = middle - start;
      times[kind][1][turn] = seconds() - middle;
      free(scratch);
    }
  for (int pass = 0; pass < 2; pass++) {
    printf("%d@%dx%d, %d images, %s:", channels, side, side, images, pass ? "weight gradient" : "forward");
    for (int kind = 0; kind < KINDS; kind++) {
      qsort(times[kind][pass], TURNS, sizeof(double), ascending);
      printf("  %s %.3f", names[kind], 1e3 * times[kind][pass][TURNS / 2]);
    }
    printf("\n");
  }
}
