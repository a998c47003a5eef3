// SPDX-License-Identifier: Apache-2.0
// Every other kernel over random planes and arrays. Their results are the Swift tests' affair; here the
// sanitizers watch what they touch.
#include <math.h>

#include "buffers.h"

#define RUN(kernel, arguments) \
  for (int32_t shard = 0; shard < shards; shard++) table->kernel(&(arguments), shard, shards)

static void check_norm(const ck_kernels *table, ck_planes planes, int32_t shards,
                       uint64_t *random) {
  const int64_t count =
      (int64_t)planes.blocks * planes.channels * ck_plane_distance(planes.pixels) * table->lanes;
  float *x = random_floats(random, count), *residual = random_floats(random, count);
  float *y = random_floats(random, count), *dy = random_floats(random, count);
  float *dx = random_floats(random, count), *gamma = random_floats(random, planes.channels);
  float *beta = random_floats(random, planes.channels), *mean = random_floats(random, planes.channels);
  float *variance = random_floats(random, planes.channels);
  float *dgamma = random_floats(random, planes.channels);
  float *dbeta = random_floats(random, planes.channels);
  const int has_residual = below(random, 2), accumulates = below(random, 2);
  const int active = below(random, 2);
  const float lower = active ? 0 : -INFINITY;
  const ck_norm_args norm = {planes, x,        has_residual ? residual : NULL, y, gamma, beta,
                             mean,   variance, 1e-5f,                          lower, INFINITY};
  RUN(norm, norm);
  const ck_affine_args affine = {planes, x, has_residual ? residual : NULL, y, gamma, beta, lower, 6};
  const ck_norm_gradient_args gradient = {
      planes, x, active ? y : NULL, dy, dx, has_residual ? (accumulates ? residual : dy) : NULL,
      accumulates, gamma, mean, variance, dgamma, dbeta, 1e-5f, lower, INFINITY};
  RUN(norm_gradient, gradient);
  RUN(affine, affine);
  const ck_clamp_args clamp = {count, x, NULL, y, 0, 0, 6};
  RUN(clamp, clamp);
  const ck_clamp_args clamp_gradient = {count, dy, y, dx, accumulates, 0, 6};
  RUN(clamp_gradient, clamp_gradient);
  const ck_add_args add = {count, x, below(random, 2) ? y : NULL, dx};
  RUN(add, add);
  const ck_channel_sum_args sum = {planes, x, mean};
  RUN(channel_sum, sum);
  int64_t *zeros = exact((size_t)planes.channels * sizeof *zeros);
  const ck_zero_count_args zero_count = {planes, y, zeros};
  RUN(zero_count, zero_count);
  int32_t *bits = exact((size_t)planes.channels * sizeof *bits);
  const ck_largest_args largest = {planes, x, bits};
  RUN(largest, largest);
  for (int32_t c = 0; c < planes.channels; c++) bits[c] = below(random, 4) ? below(random, 9) : INT32_MIN;
  const ck_round_args round = {planes, residual, bits, 448, 3, -6};
  RUN(round, round);
  const ck_dropout_args dropout = {planes, x, dx, accumulates, next_random(random), 1u << 30, 1.25f};
  RUN(dropout, dropout);
  float *planar = random_floats(random, (int64_t)planes.images * planes.channels * planes.pixels);
  const ck_relayout_args block = {planes, planar, x}, unblock = {planes, x, planar};
  RUN(block_images, block);
  RUN(unblock_images, unblock);
  float *pooled = random_floats(random, (int64_t)planes.blocks * planes.channels * table->lanes);
  const ck_global_pool_args mean_of = {planes, x, pooled, 0}, spread = {planes, pooled, dx, accumulates};
  RUN(global_pool, mean_of);
  RUN(global_pool_gradient, spread);
  float *all[] = {x, residual, y, dy, dx, gamma, beta, mean, variance, dgamma, dbeta, planar, pooled};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) give_back(all[i]);
  give_back(bits);
  give_back(zeros);
}

static void check_pool(const ck_kernels *table, int32_t blocks, int32_t channels, int32_t shards,
                       uint64_t *random) {
  ck_pool_args args = {.kind = below(random, 2), .blocks = blocks, .channels = channels};
  args.size = 1 + below(random, 4);
  args.stride = 1 + below(random, 3);
  args.padding = below(random, args.size);
  args.height = below(random, 4) == 0 ? 16 : args.size + below(random, 8);
  args.width = args.height == 16 ? 16 : args.size + below(random, 8);
  args.out_height = (args.height + 2 * args.padding - args.size) / args.stride + 1;
  args.out_width = (args.width + 2 * args.padding - args.size) / args.stride + 1;
  const int64_t planes = (int64_t)blocks * channels * table->lanes;
  const int64_t outputs = planes * ck_plane_distance((int64_t)args.out_height * args.out_width);
  float *x = random_floats(random, planes * ck_plane_distance((int64_t)args.height * args.width));
  float *y = random_floats(random, outputs);
  args.winners = exact((size_t)(planes * args.out_height * args.out_width));
  args.source = x;
  args.destination = y;
  RUN(pool, args);
  args.source = y;
  args.destination = x;
  args.accumulate = below(random, 2);
  RUN(pool_gradient, args);
  give_back(args.winners);
  give_back(x);
  give_back(y);
}

static void check_optimisers(const ck_kernels *table, int32_t shards, uint64_t *random) {
  const int64_t count = 1 + below(random, 300);
  float *w = random_floats(random, count), *g = random_floats(random, count);
  float *m = random_floats(random, count), *v = random_floats(random, count);
  for (int64_t i = 0; i < count; i++) v[i] = fabsf(v[i]);
  const ck_sgd_args sgd = {count, w, below(random, 4) ? m : NULL, g, 0.1f, 0.9f, 1e-4f, 1, below(random, 2)};
  RUN(sgd, sgd);
  const ck_adamw_args adamw = {count, w, m, v, g, 0.1f, 0.9f, 0.99f, 1e-8f, 0.01f, 1, 0.1f, 0.01f};
  RUN(adamw, adamw);
  if (!isfinite(table->square_sum(w, count))) fail("optimisers", 0, table->name);
  give_back(w);
  give_back(g);
  give_back(m);
  give_back(v);
}

void check_planes(const ck_kernels *table, uint64_t seed) {
  uint64_t random = seed ^ 0x5bd1e995;
  const int32_t images = 1 + below(&random, 3 * table->lanes), shards = 1 + below(&random, 7);
  ck_planes planes = {.blocks = (images + table->lanes - 1) / table->lanes,
                      .channels = 1 + below(&random, 9),
                      .images = images,
                      .tile_rows = 1,
                      .tile_columns = 1,
                      .tile_width = 1 + below(&random, 12)};
  planes.pixels = planes.tile_width * (1 + below(&random, 9));
  if (below(&random, 4) == 0) {
    planes.tile_width = 32;
    planes.pixels = 256;
  }
  check_norm(table, planes, shards, &random);
  check_pool(table, planes.blocks, planes.channels, shards, &random);
  check_optimisers(table, shards, &random);
}
