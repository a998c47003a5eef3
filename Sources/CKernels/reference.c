// SPDX-License-Identifier: Apache-2.0
// Scalar reference convolutions: one dot product after the other, in double, straight from the
// lists. For tests and benchmarks.
#include "ckernels.h"

#include <stddef.h>

// One kept weight of a list: (output, source, row, column) as listed, and its place among the
// packed weights.
typedef struct {
  int32_t output, source, r, s;
  int64_t weight, entry;
} kept_weight;

typedef void (*visit_weight)(void *context, const kept_weight *);

static void visit_weights(const ck_list *list, const ck_conv_shape *shape, int32_t transposed,
                          visit_weight visit, void *context) {
  for (int32_t output = 0; output < list->outputs; output++)
    for (int32_t segment = 0; segment < list->segments; segment++) {
      const int64_t at = (int64_t)output * list->segments + segment;
      const int pattern = ck_tap_patterns[segment % 7];
      for (int32_t entry = list->starts[at]; entry < list->starts[at + 1]; entry++) {
        const int32_t source = list->sources[entry], place = list->places[entry];
        if (list->form == CK_LINES3) {
          const int32_t last = __builtin_popcount(pattern) - 1;
          for (int32_t s = 0, tap = 0; s < 3; s++)
            if (pattern >> s & 1) {
              const int32_t weight = place + (transposed ? last - tap : tap);
              const kept_weight kept = {output, source, segment / 7, s, weight, entry};
              visit(context, &kept);
              tap++;
            }
        } else if (list->form == CK_TAPS) {
          const kept_weight kept = {
              output, source, segment / shape->columns, segment % shape->columns, place, entry};
          visit(context, &kept);
        } else {
          for (int32_t i = 0; i < 16; i++) {
            const int32_t weight = place + (transposed ? i % 4 * 4 + i / 4 : i);
            const kept_weight kept = {output * 4 + i % 4, source * 4 + i / 4, 0, 0, weight, entry};
            visit(context, &kept);
          }
        }
      }
    }
}

typedef struct {
  const ck_conv_args *args;
  int32_t lanes, transposed;
  int64_t outputs, sources;
  // The one output element that is summed.
  int32_t output, row, column;
  int64_t block, lane;
  double sum;
} element;

static void add_product(void *context, const kept_weight *kept) {
  element *to = context;
  const ck_conv_shape *shape = &to->args->shape;
  if (kept->output != to->output || kept->source >= to->sources) return;
  int64_t row, column, height = shape->height, width = shape->width;
  if (to->transposed) {
    row = to->row + shape->padding_rows - (shape->rows - 1 - kept->r);
    column = to->column + shape->padding_columns - (shape->columns - 1 - kept->s);
    if (row < 0 || column < 0 || row % shape->stride != 0 || column % shape->stride != 0) return;
    row /= shape->stride;
    column /= shape->stride;
    height = shape->out_height;
    width = shape->out_width;
  } else {
    row = (int64_t)to->row * shape->stride + kept->r - shape->padding_rows;
    column = (int64_t)to->column * shape->stride + kept->s - shape->padding_columns;
  }
  if (row < 0 || row >= height || column < 0 || column >= width) return;
  const int64_t pixel = (to->block * to->sources + kept->source) * ck_plane_distance(height * width) +
                        row * width + column;
  to->sum += (double)to->args->list.weights[kept->weight] *
             (double)to->args->source[pixel * to->lanes + to->lane];
}

static void reference_conv(const ck_conv_args *args, int32_t lanes, int32_t transposed) {
  const ck_conv_shape *shape = &args->shape;
  element to = {.args = args, .lanes = lanes, .transposed = transposed};
  to.outputs = transposed ? shape->channels : shape->filters;
  to.sources = transposed ? shape->filters : shape->channels;
  const int32_t height = transposed ? shape->height : shape->out_height;
  const int32_t width = transposed ? shape->width : shape->out_width;
  // A list of one output only, so that the visit does not pass over the others.
  const int32_t group = args->list.form == CK_BLOCKS4 ? 4 : 1;
  for (to.block = 0; to.block < shape->blocks; to.block++)
    for (to.output = 0; to.output < to.outputs; to.output++)
      for (to.row = 0; to.row < height; to.row++)
        for (to.column = 0; to.column < width; to.column++)
          for (to.lane = 0; to.lane < lanes; to.lane++) {
            float *destination =
                args->destination +
                ((to.block * to.outputs + to.output) * ck_plane_distance((int64_t)height * width) +
                 to.row * width + to.column) * lanes + to.lane;
            ck_list list = args->list;
            const int64_t first = (int64_t)(to.output / group) * list.segments;
            list.outputs = 1;
            list.starts += first;
            element one = to;
            one.output = to.output % group;
            one.sum = args->bias != NULL && !transposed ? (double)args->bias[to.output] : 0;
            visit_weights(&list, shape, transposed, add_product, &one);
            *destination = (float)(args->accumulate ? one.sum + (double)*destination : one.sum);
          }
}

void ck_reference_forward(const ck_conv_args *args, int32_t lanes) {
  reference_conv(args, lanes, 0);
}

void ck_reference_input_gradient(const ck_conv_args *args, int32_t lanes) {
  reference_conv(args, lanes, 1);
}

typedef struct {
  const ck_weight_gradient_args *args;
  int32_t lanes;
} gradient_walk;

static double dot_product(const ck_weight_gradient_args *args, int32_t lanes, int32_t channel,
                          int32_t filter, int32_t r, int32_t s) {
  const ck_conv_shape *shape = &args->shape;
  double sum = 0;
  for (int64_t block = 0; block < shape->blocks; block++)
    for (int32_t i = 0; i < shape->out_height; i++)
      for (int32_t j = 0; j < shape->out_width; j++) {
        const int64_t row = (int64_t)i * shape->stride + r - shape->padding_rows;
        const int64_t column = (int64_t)j * shape->stride + s - shape->padding_columns;
        if (row < 0 || row >= shape->height || column < 0 || column >= shape->width) continue;
        const int64_t x = (block * shape->channels + channel) *
                              ck_plane_distance((int64_t)shape->height * shape->width) +
                          row * shape->width + column;
        const int64_t y = (block * shape->filters + filter) *
                              ck_plane_distance((int64_t)shape->out_height * shape->out_width) +
                          i * shape->out_width + j;
        for (int32_t lane = 0; lane < lanes; lane++)
          sum += (double)args->input[x * lanes + lane] *
                 (double)args->output_gradient[y * lanes + lane];
      }
  return sum;
}

static void add_gradient(void *context, const kept_weight *kept) {
  const gradient_walk *walk = context;
  const ck_weight_gradient_args *args = walk->args;
  const ck_conv_shape *shape = &args->shape;
  double value = 0;
  if (args->list.form == CK_BLOCKS4) {
    // The transposed list's outputs are channels, its sources filters.
    const int32_t bit = kept->output % 4 * 4 + kept->source % 4;
    if (args->kept == NULL || args->kept[kept->entry] >> bit & 1)
      if (kept->output < shape->channels && kept->source < shape->filters)
        value = dot_product(args, walk->lanes, kept->output, kept->source, 0, 0);
  } else {
    value = dot_product(args, walk->lanes, kept->output, kept->source, shape->rows - 1 - kept->r,
                        shape->columns - 1 - kept->s);
  }
  args->gradient[kept->weight] = (float)value;
}

void ck_reference_weight_gradient(const ck_weight_gradient_args *args, int32_t lanes) {
  gradient_walk walk = {args, lanes};
  visit_weights(&args->list, &args->shape, 1, add_gradient, &walk);
}
