// SPDX-License-Identifier: Apache-2.0
// Random convolutions, their lists, and loops over dense weights.
#ifndef LAYERS_H
#define LAYERS_H

#include "buffers.h"

// A convolution over a random mask.
typedef struct {
  ck_conv_shape shape;
  int32_t form, groups, images, lanes;
  uint16_t *patterns; // [filters][channels of a group][rows], bit s for column s
} layer;

layer random_layer(uint64_t *random, int32_t lanes);

typedef struct {
  ck_list list;
  int32_t *starts, *weight_starts, *sources, *places;
  uint16_t *kept;
  // Of each packed weight its index in the dense array, -1 for a place of a block that is none.
  int64_t *dense;
  int32_t entries, weights;
} lists;

// The lists of one direction; `forward` is NULL for those of the other.
lists make_lists(const layer *l, const lists *forward);
void free_lists(lists *m);

int64_t dense_index(const layer *l, int32_t k, int32_t c, int32_t r, int32_t s);

// Floats of a map of the batch.
int64_t floats(const layer *l, int32_t planes, int32_t height, int32_t width);

void clear_padding(const layer *l, float *dy);

// Adds every product to what `target` of the three is: y += w x, dx += w dy, or dw += x dy.
void dense_products(const layer *l, int target, const float *w, const float *x, const float *dy,
                    double *sums);

// Ends the program where a map is not what is expected.
void compare(const layer *l, int32_t planes, int64_t pixels, const float *found,
             const double *expected, double relative, const char *what, uint64_t seed,
             const char *table);

#endif
