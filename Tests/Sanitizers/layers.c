// SPDX-License-Identifier: Apache-2.0
// Convolutions over random masks. The lists are made here once more, from the words of ckernels.h, and
// the results held against loops over dense weights.
#include <math.h>
#include <string.h>

#include "layers.h"

static int32_t per_group(const layer *l) { return l->shape.channels / l->groups; }

int64_t dense_index(const layer *l, int32_t k, int32_t c, int32_t r, int32_t s) {
  return (((int64_t)k * per_group(l) + c) * l->shape.rows + r) * l->shape.columns + s;
}

// The channel of a filter's group that is plane `channel` of the map, or -1.
static int32_t group_channel(const layer *l, int32_t k, int32_t channel) {
  const int32_t first = k / (l->shape.filters / l->groups) * per_group(l);
  return channel >= first && channel < first + per_group(l) ? channel - first : -1;
}

static uint16_t pattern_of(const layer *l, int32_t k, int32_t channel, int32_t r) {
  const int32_t c = group_channel(l, k, channel);
  return c < 0 ? 0 : l->patterns[((int64_t)k * per_group(l) + c) * l->shape.rows + r];
}

static uint16_t mirrored(uint16_t pattern) {
  return (uint16_t)((pattern & 1) << 2 | (pattern & 2) | pattern >> 2);
}

layer random_layer(uint64_t *random, int32_t lanes) {
  layer l = {.groups = 1, .lanes = lanes, .images = 1 + below(random, 3 * lanes)};
  ck_conv_shape *shape = &l.shape;
  l.form = below(random, 3);
  shape->stride = 1 + below(random, 2);
  shape->channels = 1 + below(random, 9);
  shape->filters = 1 + below(random, 19);
  shape->height = 1 + below(random, 12);
  shape->width = 1 + below(random, 20);
  // Some whose planes lie apart.
  if (below(random, 6) == 0) {
    shape->height = 8;
    shape->width = 32;
  }
  if (l.form == CK_LINES3) {
    shape->rows = shape->columns = 3;
    shape->padding_rows = shape->padding_columns = 1;
    if (shape->stride == 2) {
      shape->height *= 2;
      shape->width *= 2;
    }
  } else if (l.form == CK_BLOCKS4) {
    shape->rows = shape->columns = 1;
    if (below(random, 3) == 0) {
      shape->height = shape->width = shape->stride = 1;
      l.images = 1 + below(random, 40 * lanes);
    }
  } else {
    shape->rows = 1 + below(random, 5);
    shape->columns = 1 + below(random, 5);
    shape->stride = 1 + below(random, 3);
    shape->padding_rows = below(random, 3);
    shape->padding_columns = below(random, 3);
    if (shape->height + 2 * shape->padding_rows < shape->rows) shape->height = shape->rows;
    if (shape->width + 2 * shape->padding_columns < shape->columns) shape->width = shape->columns;
  }
  if (l.form != CK_BLOCKS4 && below(random, 4) == 0) {
    l.groups = 2;
    shape->channels *= 2;
    shape->filters *= 2;
  }
  shape->out_height = (shape->height + 2 * shape->padding_rows - shape->rows) / shape->stride + 1;
  shape->out_width = (shape->width + 2 * shape->padding_columns - shape->columns) / shape->stride + 1;
  shape->blocks = (l.images + lanes - 1) / lanes;
  const int64_t lines = (int64_t)shape->filters * per_group(&l) * shape->rows;
  l.patterns = exact((size_t)lines * sizeof *l.patterns);
  const int32_t line_share = below(random, 5), tap_share = 1 + below(random, 4);
  for (int64_t i = 0; i < lines; i++) {
    l.patterns[i] = 0;
    for (int32_t s = 0; s < shape->columns; s++)
      if (below(random, 4) < line_share && below(random, 4) < tap_share)
        l.patterns[i] |= (uint16_t)(1 << s);
  }
  return l;
}

// ---------------------------------------------------------------------------------------------
// Lists

#define APPEND(array, count, value)                                      \
  do {                                                                   \
    (array) = realloc(array, ((size_t)(count) + 1) * sizeof *(array));   \
    (array)[count] = (value);                                            \
  } while (0)

// An array that has grown, in a buffer of its size.
static void *settled(void *grown, int64_t count, size_t size) {
  void *result = exact((size_t)count * size);
  if (count > 0) memcpy(result, grown, (size_t)count * size);
  free(grown);
  return result;
}
#define SETTLE(array, count) (array) = settled(array, count, sizeof *(array))

// Calls for block (k, c) in groups of four: the bits of its places, channel*4 + filter.
static uint16_t block_places(const layer *l, int32_t k, int32_t c) {
  uint16_t bits = 0;
  for (int32_t place = 0; place < 16; place++) {
    const int32_t filter = k * 4 + place % 4, channel = c * 4 + place / 4;
    if (filter < l->shape.filters && channel < l->shape.channels &&
        pattern_of(l, filter, channel, 0) != 0)
      bits |= (uint16_t)(1 << place);
  }
  return bits;
}

// The first packed weight of the forward list's entry from `source` to `output` in a segment.
static int32_t find_weight(const lists *forward, int32_t output, int32_t segment, int32_t source) {
  const int64_t at = (int64_t)output * forward->list.segments + segment;
  const int32_t count = forward->starts[at + 1] - forward->starts[at];
  for (int32_t i = 0; i < count; i++)
    if (forward->sources[forward->starts[at] + i] == source)
      return forward->weight_starts[at] +
             i * ((forward->weight_starts[at + 1] - forward->weight_starts[at]) / count);
  abort();
}

static int32_t segment_of_pattern(uint16_t pattern) {
  for (int32_t i = 0; i < 7; i++)
    if (ck_tap_patterns[i] == pattern) return i;
  return -1;
}

// The list of one direction: outputs in order, of each its segments in order, of each its sources.
lists make_lists(const layer *l, const lists *forward) {
  const ck_conv_shape *shape = &l->shape;
  const int transposed = forward != NULL, blocks = l->form == CK_BLOCKS4;
  const int32_t outputs = transposed ? shape->channels : shape->filters;
  const int32_t sources = transposed ? shape->filters : shape->channels;
  const int32_t per_row = l->form == CK_LINES3 ? 7 : l->form == CK_TAPS ? shape->columns : 1;
  lists m = {.list = {.form = l->form,
                      .outputs = blocks ? (outputs + 3) / 4 : outputs,
                      .segments = blocks ? 1 : shape->rows * per_row}};
  int32_t segment_count = 0;
  for (int32_t output = 0; output < m.list.outputs; output++)
    for (int32_t segment = 0; segment < m.list.segments; segment++, segment_count++) {
      APPEND(m.starts, segment_count, m.entries);
      APPEND(m.weight_starts, segment_count, m.weights);
      const int32_t listed_row = segment / per_row, in_row = segment % per_row;
      const int32_t r = transposed ? shape->rows - 1 - listed_row : listed_row;
      for (int32_t source = 0; source < (blocks ? (sources + 3) / 4 : sources); source++) {
        const int32_t k = transposed ? source : output, c = transposed ? output : source;
        int32_t weights = 1, first = 0;
        uint16_t places = 0;
        if (blocks) {
          places = block_places(l, k, c);
          if (places == 0) continue;
          weights = 16;
          if (transposed) first = find_weight(forward, k, 0, c);
        } else {
          const uint16_t pattern = pattern_of(l, k, c, r);
          if (l->form == CK_LINES3) {
            const uint16_t listed = transposed ? mirrored(pattern) : pattern;
            if (listed != ck_tap_patterns[in_row]) continue;
            weights = __builtin_popcount(pattern);
            if (transposed)
              first = find_weight(forward, k, r * 7 + segment_of_pattern(pattern), c);
          } else {
            const int32_t s = transposed ? shape->columns - 1 - in_row : in_row;
            if (!(pattern >> s & 1)) continue;
            if (transposed) first = find_weight(forward, k, r * shape->columns + s, c);
          }
        }
        APPEND(m.sources, m.entries, source);
        APPEND(m.places, m.entries, transposed ? first : m.weights);
        APPEND(m.kept, m.entries, places);
        m.entries++;
        for (int32_t i = 0, s = 0; i < weights; i++) {
          int64_t dense = -1;
          if (blocks) {
            if (places >> i & 1) dense = dense_index(l, k * 4 + i % 4, c * 4 + i / 4, 0, 0);
          } else if (!transposed) {
            if (l->form == CK_LINES3) {
              while (!(ck_tap_patterns[in_row] >> s & 1)) s++;
            } else {
              s = in_row;
            }
            dense = dense_index(l, k, group_channel(l, k, c), r, s);
            if (l->form == CK_LINES3) s++;
          }
          APPEND(m.dense, m.weights, dense);
          m.weights++;
        }
      }
    }
  APPEND(m.starts, segment_count, m.entries);
  APPEND(m.weight_starts, segment_count, m.weights);
  SETTLE(m.starts, segment_count + 1);
  SETTLE(m.weight_starts, segment_count + 1);
  SETTLE(m.sources, m.entries);
  SETTLE(m.places, m.entries);
  SETTLE(m.kept, m.entries);
  SETTLE(m.dense, m.weights);
  m.list.starts = m.starts;
  m.list.sources = m.sources;
  m.list.places = m.places;
  return m;
}

void free_lists(lists *m) {
  give_back(m->starts);
  give_back(m->weight_starts);
  give_back(m->sources);
  give_back(m->places);
  give_back(m->kept);
  give_back(m->dense);
}

// ---------------------------------------------------------------------------------------------
// Loops over dense weights

int64_t place(int32_t lanes, int32_t planes, int64_t pixels, int32_t image, int32_t plane,
                     int64_t pixel) {
  return (((int64_t)(image / lanes) * planes + plane) * ck_plane_distance(pixels) + pixel) * lanes +
         image % lanes;
}

// Adds every product to what `target` of the three is: y += w x, dx += w dy, or dw += x dy.
void dense_products(const layer *l, int target, const float *w, const float *x,
                           const float *dy, double *sums) {
  const ck_conv_shape *shape = &l->shape;
  for (int32_t k = 0; k < shape->filters; k++)
    for (int32_t channel = 0; channel < shape->channels; channel++) {
      const int32_t c = group_channel(l, k, channel);
      if (c < 0) continue;
      for (int32_t r = 0; r < shape->rows; r++)
        for (int32_t s = 0; s < shape->columns; s++) {
          const int64_t weight = dense_index(l, k, c, r, s);
          if (!(pattern_of(l, k, channel, r) >> s & 1)) continue;
          for (int32_t p = 0; p < shape->out_height; p++)
            for (int32_t q = 0; q < shape->out_width; q++) {
              const int32_t row = p * shape->stride + r - shape->padding_rows;
              const int32_t column = q * shape->stride + s - shape->padding_columns;
              if (row < 0 || row >= shape->height || column < 0 || column >= shape->width) continue;
              for (int32_t image = 0; image < l->images; image++) {
                const int64_t in = place(l->lanes, shape->channels,
                                         (int64_t)shape->height * shape->width, image, channel,
                                         (int64_t)row * shape->width + column);
                const int64_t out = place(l->lanes, shape->filters,
                                          (int64_t)shape->out_height * shape->out_width, image, k,
                                          (int64_t)p * shape->out_width + q);
                if (target == 0) sums[out] += (double)w[weight] * (double)x[in];
                if (target == 1) sums[in] += (double)w[weight] * (double)dy[out];
                if (target == 2) sums[weight] += (double)x[in] * (double)dy[out];
              }
            }
        }
    }
}

// The gradient of images that are none is zero.
void clear_padding(const layer *l, float *dy) {
  const ck_conv_shape *shape = &l->shape;
  const int64_t pixels = (int64_t)shape->out_height * shape->out_width;
  for (int32_t image = l->images; image < shape->blocks * l->lanes; image++)
    for (int32_t k = 0; k < shape->filters; k++)
      for (int64_t pixel = 0; pixel < pixels; pixel++)
        dy[place(l->lanes, shape->filters, pixels, image, k, pixel)] = 0;
}

int64_t floats(const layer *l, int32_t planes, int32_t height, int32_t width) {
  return (int64_t)l->shape.blocks * planes * ck_plane_distance((int64_t)height * width) * l->lanes;
}

// Compares the images of the batch; padding holds anything.
void compare(const layer *l, int32_t planes, int64_t pixels, const float *found,
             const double *expected, double relative, const char *what, uint64_t seed,
             const char *table) {
  for (int32_t image = 0; image < l->images; image++)
    for (int32_t plane = 0; plane < planes; plane++)
      for (int64_t pixel = 0; pixel < pixels; pixel++) {
        const int64_t at = place(l->lanes, planes, pixels, image, plane, pixel);
        const double slack = 1e-3 + relative * fabs(expected[at]);
        if (!(fabs((double)found[at] - expected[at]) < slack)) fail(what, seed, table);
      }
}

void check_layers(const ck_kernels *table, uint64_t seed) {
  uint64_t random = seed;
  const layer l = random_layer(&random, table->lanes);
  const ck_conv_shape *shape = &l.shape;
  lists forward = make_lists(&l, NULL), transposed = make_lists(&l, &forward);
  const int64_t inputs = floats(&l, shape->channels, shape->height, shape->width);
  const int64_t outputs = floats(&l, shape->filters, shape->out_height, shape->out_width);
  const int64_t weights = dense_index(&l, shape->filters, 0, 0, 0);
  float *dense = random_floats(&random, weights), *x = random_floats(&random, inputs);
  float *dy = random_floats(&random, outputs), *bias = random_floats(&random, shape->filters);
  clear_padding(&l, dy);
  float *packed = random_floats(&random, forward.weights);
  for (int32_t i = 0; i < forward.weights; i++)
    packed[i] = forward.dense[i] < 0 ? 0 : dense[forward.dense[i]];
  forward.list.weights = packed;
  transposed.list.weights = packed;
  const int32_t shards = 1 + below(&random, 7);

  float *y = random_floats(&random, outputs);
  const ck_conv_args run = {*shape, forward.list, x, y, below(&random, 2) ? bias : NULL, 0};
  for (int32_t i = 0; i < shards; i++) table->forward(&run, i, shards);
  double *sums = exact((size_t)outputs * sizeof *sums);
  const int64_t out_pixels = (int64_t)shape->out_height * shape->out_width;
  for (int64_t i = 0; i < outputs; i++)
    sums[i] = run.bias ? (double)bias[i / l.lanes / ck_plane_distance(out_pixels) % shape->filters] : 0;
  dense_products(&l, 0, dense, x, dy, sums);
  compare(&l, shape->filters, out_pixels, y, sums, 0, "forward", seed, table->name);
  give_back(sums);

  for (int32_t accumulate = 0; accumulate < 2; accumulate++) {
    float *dx = random_floats(&random, inputs);
    double *expected = exact((size_t)inputs * sizeof *expected);
    for (int64_t i = 0; i < inputs; i++) expected[i] = accumulate ? (double)dx[i] : 0;
    const ck_conv_args back = {*shape, transposed.list, dy, dx, NULL, accumulate};
    for (int32_t i = 0; i < shards; i++) table->input_gradient(&back, i, shards);
    dense_products(&l, 1, dense, x, dy, expected);
    compare(&l, shape->channels, (int64_t)shape->height * shape->width, dx, expected, 0,
            "input gradient", seed, table->name);
    give_back(dx);
    give_back(expected);
  }

  float *gradient = random_floats(&random, forward.weights);
  float *scratch =
      random_scratch(&random, table->weight_gradient_scratch(shape, l.form, forward.entries));
  const ck_weight_gradient_args gradients = {
      *shape, transposed.list, l.form == CK_BLOCKS4 ? transposed.kept : NULL,
      x, dy, gradient, scratch};
  for (int32_t i = 0; i < shards; i++) table->weight_gradient(&gradients, i, shards);
  double *expected = exact((size_t)weights * sizeof *expected);
  memset(expected, 0, (size_t)weights * sizeof *expected);
  dense_products(&l, 2, dense, x, dy, expected);
  for (int32_t i = 0; i < forward.weights; i++) {
    const double right = forward.dense[i] < 0 ? 0 : expected[forward.dense[i]];
    if (!(fabs((double)gradient[i] - right) < 1e-2)) fail("weight gradient", seed, table->name);
  }
  give_back(expected);
  give_back(scratch);
  give_back(gradient);
  give_back(y);
  give_back(packed);
  give_back(bias);
  give_back(dy);
  give_back(x);
  give_back(dense);
  free_lists(&transposed);
  free_lists(&forward);
  give_back(l.patterns);
}
