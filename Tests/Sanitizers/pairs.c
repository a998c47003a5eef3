// SPDX-License-Identifier: Apache-2.0
// Kernels on pairs of columns: convolutions over random masks, also on windows, held against loops over
// dense weights; of the others the sanitizers watch what they touch.
#include <math.h>
#include <string.h>

#include "layers.h"

#define RUN(kernel, arguments) \
  for (int32_t shard = 0; shard < shards; shard++) table->kernel(&(arguments), shard, shards)

// A map in both forms; the floats have the values of the pairs.
typedef struct {
  float *floats;
  uint32_t *pairs;
  int64_t count; // of the words
} map;

static void unpack(const ck_pair_kernels *table, const map *m, int32_t shards) {
  const ck_pack_args args = {m->count / table->lanes, m->floats, m->pairs};
  RUN(unpack, args);
}

static void pack(const ck_pair_kernels *table, map *m, int32_t shards) {
  const ck_pack_args args = {m->count / table->lanes, m->floats, m->pairs};
  RUN(pack, args);
  unpack(table, m, shards);
}

static map random_map(const ck_pair_kernels *table, uint64_t *random, int64_t floats,
                      int32_t shards) {
  map m = {random_floats(random, floats), exact((size_t)floats / 2 * sizeof(uint32_t)), floats / 2};
  pack(table, &m, shards);
  return m;
}

static void free_map(map *m) {
  give_back(m->floats);
  give_back(m->pairs);
}

// The layer as kernels see it: columns in pairs.
static ck_conv_shape in_pairs(ck_conv_shape shape) {
  shape.width /= 2;
  shape.out_width /= 2;
  return shape;
}

static uint16_t *round_weights(const ck_pair_kernels *table, const lists *m, const float *packed,
                               int32_t turned, int32_t shards) {
  uint16_t *rounded = exact((size_t)m->weights * sizeof *rounded);
  const ck_pair_weights_args args = {m->weights, m->list.form, turned, packed, rounded};
  RUN(round_weights, args);
  return rounded;
}

typedef struct {
  lists forward, transposed;
  float *dense, *packed;
  uint16_t *rounded, *turned;
} weights;

static weights random_weights(const ck_pair_kernels *table, const layer *l, uint64_t *random,
                              int32_t shards) {
  const int64_t count = dense_index(l, l->shape.filters, 0, 0, 0);
  weights w = {.forward = make_lists(l, NULL), .dense = random_floats(random, count)};
  w.transposed = make_lists(l, &w.forward);
  w.packed = random_floats(random, w.forward.weights);
  // Few bits, so that rounding changes nothing.
  for (int64_t i = 0; i < count; i++) w.dense[i] = roundf(w.dense[i] * 64) / 64;
  for (int32_t i = 0; i < w.forward.weights; i++)
    w.packed[i] = w.forward.dense[i] < 0 ? 0 : w.dense[w.forward.dense[i]];
  w.rounded = round_weights(table, &w.forward, w.packed, 0, shards);
  w.turned = round_weights(table, &w.forward, w.packed, 1, shards);
  w.forward.list.weights = (const float *)(const void *)w.rounded;
  w.transposed.list.weights = (const float *)(const void *)w.turned;
  return w;
}

static void free_weights(weights *w) {
  free_lists(&w->forward);
  free_lists(&w->transposed);
  give_back(w->dense);
  give_back(w->packed);
  give_back(w->rounded);
  give_back(w->turned);
}

// `l` has the padding that its maps are read with, `shape` that of the kernels.
static void check_forward(const ck_pair_kernels *table, const layer *l, ck_conv_shape shape,
                          const weights *w, uint64_t seed, uint64_t *random, int32_t shards) {
  const int64_t outputs = floats(l, l->shape.filters, l->shape.out_height, l->shape.out_width);
  const int64_t out_pixels = (int64_t)l->shape.out_height * l->shape.out_width;
  map x = random_map(table, random, floats(l, l->shape.channels, l->shape.height, l->shape.width),
                     shards);
  map y = random_map(table, random, outputs, shards), dy = random_map(table, random, outputs, shards);
  clear_padding(l, dy.floats);
  pack(table, &dy, shards);
  float *bias = random_floats(random, l->shape.filters);
  const ck_conv_args run = {shape, w->forward.list, (const float *)(const void *)x.pairs,
                            (float *)(void *)y.pairs, below(random, 2) ? bias : NULL, 0};
  RUN(forward, run);
  unpack(table, &y, shards);
  double *sums = exact((size_t)outputs * sizeof *sums);
  for (int64_t i = 0; i < outputs; i++)
    sums[i] = run.bias ? (double)bias[i / l->lanes / ck_plane_distance(out_pixels) % l->shape.filters] : 0;
  dense_products(l, 0, w->dense, x.floats, dy.floats, sums);
  compare(l, l->shape.filters, out_pixels, y.floats, sums, 0x1p-8, "forward", seed, table->name);
  give_back(sums);
  give_back(bias);

  float *gradient = random_floats(random, w->forward.weights);
  float *scratch = random_scratch(
      random, table->weight_gradient_scratch(&shape, l->form, w->forward.entries));
  const ck_weight_gradient_args gradients = {
      shape, w->transposed.list, l->form == CK_BLOCKS4 ? w->transposed.kept : NULL,
      (const float *)(const void *)x.pairs, (const float *)(const void *)dy.pairs, gradient,
      scratch};
  RUN(weight_gradient, gradients);
  const int64_t count = dense_index(l, l->shape.filters, 0, 0, 0);
  double *expected = exact((size_t)count * sizeof *expected);
  memset(expected, 0, (size_t)count * sizeof *expected);
  dense_products(l, 2, w->dense, x.floats, dy.floats, expected);
  for (int32_t i = 0; i < w->forward.weights; i++) {
    const double right = w->forward.dense[i] < 0 ? 0 : expected[w->forward.dense[i]];
    if (!(fabs((double)gradient[i] - right) < 1e-2)) fail("weight gradient", seed, table->name);
  }
  give_back(expected);
  give_back(scratch);
  give_back(gradient);
  free_map(&x);
  free_map(&y);
  free_map(&dy);
}

static void check_input_gradient(const ck_pair_kernels *table, const layer *l, ck_conv_shape shape,
                                 const weights *w, uint64_t seed, uint64_t *random,
                                 int32_t shards) {
  const int64_t inputs = floats(l, l->shape.channels, l->shape.height, l->shape.width);
  map dy = random_map(
      table, random, floats(l, l->shape.filters, l->shape.out_height, l->shape.out_width), shards);
  for (int32_t accumulate = 0; accumulate < 2; accumulate++) {
    map dx = random_map(table, random, inputs, shards);
    double *expected = exact((size_t)inputs * sizeof *expected);
    for (int64_t i = 0; i < inputs; i++) expected[i] = accumulate ? (double)dx.floats[i] : 0;
    const ck_conv_args back = {shape, w->transposed.list, (const float *)(const void *)dy.pairs,
                               (float *)(void *)dx.pairs, NULL, accumulate};
    RUN(input_gradient, back);
    unpack(table, &dx, shards);
    dense_products(l, 1, w->dense, dx.floats, dy.floats, expected);
    compare(l, l->shape.channels, (int64_t)l->shape.height * l->shape.width, dx.floats, expected,
            0x1p-8, "input gradient", seed, table->name);
    give_back(expected);
    free_map(&dx);
  }
  free_map(&dy);
}

// Windows hold what is around a tile: a row and, at the outer sides, a pair of columns.
static void check_windows(const ck_pair_kernels *table, layer l, const weights *w, uint64_t seed,
                          uint64_t *random, int32_t shards) {
  const ck_conv_shape tile = l.shape;
  ck_conv_shape *shape = &l.shape, kernel;
  shape->height = (tile.out_height - 1) * tile.stride + 3;
  shape->width = 2 * ((tile.out_width / 2 - 1) * tile.stride + 3);
  shape->padding_rows = 0;
  shape->padding_columns = -1; // of the pair before, one column is not read
  kernel = in_pairs(*shape);
  kernel.padding_columns = 0;
  check_forward(table, &l, kernel, w, seed, random, shards);

  *shape = tile;
  const int32_t before = tile.stride == 1;
  shape->out_height += 1 + before;
  shape->out_width += 2 + 2 * before;
  shape->padding_rows += before;
  shape->padding_columns += 2 * before;
  kernel = in_pairs(*shape);
  kernel.padding_columns = kernel.padding_rows;
  check_input_gradient(table, &l, kernel, w, seed, random, shards);
}

static void check_plane_pairs(const ck_pair_kernels *table, uint64_t *random, int32_t shards) {
  const int32_t images = 1 + below(random, 3 * table->lanes);
  const ck_planes planes = {.blocks = (images + table->lanes - 1) / table->lanes,
                            .channels = 1 + below(random, 9),
                            .pixels = below(random, 4) == 0 ? 128 : 1 + below(random, 50),
                            .images = images,
                            .tile_rows = 1,
                            .tile_columns = 1,
                            .tile_width = 1};
  const int64_t words = (int64_t)planes.blocks * planes.channels *
                        ck_plane_distance(2 * planes.pixels) / 2 * table->lanes;
  map maps[5];
  float *m[5], *values[7];
  for (int i = 0; i < 5; i++) {
    maps[i] = random_map(table, random, 2 * words, shards);
    m[i] = (float *)(void *)maps[i].pairs;
  }
  for (int i = 0; i < 7; i++) values[i] = random_floats(random, planes.channels);
  const int has_residual = below(random, 2), accumulates = below(random, 2), active = below(random, 2);
  const float lower = active ? 0 : -INFINITY;
  float *residual = has_residual ? m[1] : NULL;
  const ck_norm_args norm = {planes,    m[0],      residual, m[2],  values[0], values[1],
                             values[2], values[3], 1e-5f,    lower, INFINITY};
  RUN(norm, norm);
  const ck_norm_gradient_args gradient = {
      planes, m[0], active ? m[2] : NULL, m[3], m[4],
      has_residual ? (accumulates ? residual : m[3]) : NULL,
      accumulates, values[0], values[2], values[3], values[4], values[5], 1e-5f, lower, INFINITY};
  RUN(norm_gradient, gradient);
  const ck_affine_args affine = {planes, m[0], residual, m[2], values[0], values[1], lower, 6};
  RUN(affine, affine);
  const ck_clamp_args clamp = {words, m[0], NULL, m[2], 0, 0, 6};
  RUN(clamp, clamp);
  const ck_clamp_args clamp_gradient = {words, m[3], m[2], m[4], accumulates, 0, 6};
  RUN(clamp_gradient, clamp_gradient);
  const ck_add_args add = {words, m[0], accumulates ? m[1] : NULL, m[2]};
  RUN(add, add);
  const ck_channel_sum_args sum = {planes, m[0], values[6]};
  RUN(channel_sum, sum);
  int64_t *zeros = exact((size_t)planes.channels * sizeof *zeros);
  const ck_zero_count_args zero_count = {planes, m[0], zeros};
  RUN(zero_count, zero_count);
  give_back(zeros);
  for (int i = 0; i < 7; i++) give_back(values[i]);
  for (int i = 0; i < 5; i++) free_map(&maps[i]);
}

void check_pairs(const ck_pair_kernels *table, uint64_t seed) {
  uint64_t random = seed;
  const int32_t shards = 1 + below(&random, 7);
  check_plane_pairs(table, &random, shards);
  const layer l = random_layer(&random, table->lanes);
  const ck_conv_shape *shape = &l.shape;
  const int paired = shape->width % 2 == 0 && shape->out_width % 2 == 0 &&
                     (shape->stride == 1 || shape->height % 2 == 0);
  if (l.form != CK_TAPS && paired) {
    weights w = random_weights(table, &l, &random, shards);
    if (l.form == CK_LINES3 && below(&random, 2)) {
      check_windows(table, l, &w, seed, &random, shards);
    } else {
      check_forward(table, &l, in_pairs(*shape), &w, seed, &random, shards);
      check_input_gradient(table, &l, in_pairs(*shape), &w, seed, &random, shards);
    }
    free_weights(&w);
  }
  give_back(l.patterns);
}
