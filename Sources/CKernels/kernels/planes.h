// SPDX-License-Identifier: Apache-2.0
// What the kernels over whole planes share: where a plane lies, which of its lanes are images of
// the batch, sums over it, and the activation interval.
typedef double double_vec __attribute__((vector_size(8 * LANES)));

INLINE int64_t plane_start(const ck_planes *planes, int32_t block, int64_t channel) {
  return (block * (int64_t)planes->channels + channel) * plane_distance(planes->pixels);
}

INLINE ivec images_of_block(const ck_planes *planes, int32_t block) {
  return lanes_below(planes->images - block * LANES);
}

INLINE double images_times_pixels(const ck_planes *planes) {
  return (double)planes->images * planes->pixels * COLUMNS;
}

// C has no ?: between vectors; compilers turn this into a blend, or the clamp into a maximum.
INLINE vec blend(ivec mask, vec where_set, vec elsewhere) {
  return (vec)(((ivec)where_set & mask) | ((ivec)elsewhere & ~mask));
}

// Sums over a plane run in float over so many pixels at a time, in a few accumulators (one would
// stall for the latency of every addition); these partial sums add up in double. So the precision
// falls neither with the size of a map nor with the batch, at one conversion for 64 additions.
// Pixels are counted in vectors of the map, which hold COLUMNS of them.
#define SUM_PIXELS (64 / COLUMNS)
#define SUM_PARTS 4
#define SUM_STEP (SUM_PARTS / COLUMNS)

// How many pixels of the plane the partial sum from `pixel` on takes.
INLINE int32_t sum_length(int32_t pixel, int32_t pixels) {
  return pixels - pixel < SUM_PIXELS ? pixels - pixel : SUM_PIXELS;
}

INLINE vec sum_of_parts(const vec *part) {
  return (part[0] + part[1]) + (part[2] + part[3]);
}

// The sum of value - origin over at most SUM_PIXELS pixels, lane by lane.
INLINE vec partial_sum(const map_vec *values, vec origin, int32_t pixels) {
  vec part[SUM_PARTS] = {};
  int32_t pixel = 0;
  for (; pixel + SUM_STEP <= pixels; pixel += SUM_STEP)
    UNROLL for (int32_t i = 0; i < SUM_STEP; i++) {
      vec value[COLUMNS];
      load_columns(values + pixel + i, value);
      UNROLL for (int c = 0; c < COLUMNS; c++) part[i * COLUMNS + c] += value[c] - origin;
    }
  for (; pixel < pixels; pixel++) {
    vec value[COLUMNS];
    load_columns(values + pixel, value);
    UNROLL for (int c = 0; c < COLUMNS; c++) part[c] += value[c] - origin;
  }
  return sum_of_parts(part);
}

// Lanes stay apart until a channel is complete, so padded images, whatever they hold, can be left
// out once a partial sum instead of once a pixel.
INLINE void add_images(double_vec *sum, vec value, ivec images) {
  *sum += __builtin_convertvector(keep(value, images), double_vec);
}

// Adds up value - origin over a plane.
INLINE void add_plane(double_vec *sum, const map_vec *plane, vec origin, int32_t pixels, ivec images) {
  for (int32_t pixel = 0; pixel < pixels; pixel += SUM_PIXELS)
    add_images(sum, partial_sum(plane + pixel, origin, sum_length(pixel, pixels)), images);
}

// Pairwise, like lane_sum: on small planes, the latency of a chain of LANES additions would dominate.
INLINE double sum_of_lanes(const double_vec *value) {
  double part[LANES];
  memcpy(part, value, sizeof part);
  UNROLL for (int32_t width = LANES / 2; width >= 1; width /= 2)
    UNROLL for (int32_t lane = 0; lane < width; lane++) part[lane] += part[lane + width];
  return part[0];
}

// The sum of value - origin over a channel's pixels in the images of the batch.
INLINE double sum_of_channel(const ck_planes *planes, const float *input, int64_t channel,
                             float origin) {
  double_vec sum = {};
  for (int32_t block = 0; block < planes->blocks; block++)
    add_plane(&sum, (const map_vec *)input + plane_start(planes, block, channel), broadcast(origin),
              planes->pixels, images_of_block(planes, block));
  return sum_of_lanes(&sum);
}

// The interval of an activation. The comparisons are false for NaN, which therefore passes.
typedef struct { vec lower, upper; } interval;

INLINE interval clamp_interval(float lower, float upper) {
  return (interval){broadcast(lower), broadcast(upper)};
}

INLINE vec clamped(vec value, interval bounds) {
  value = blend(bounds.lower > value, bounds.lower, value);
  return blend(bounds.upper < value, bounds.upper, value);
}

// A bound that is infinite stops no gradient, not even that of an infinite output: as NaN it
// compares false with everything.
INLINE interval gradient_interval(float lower, float upper) {
  return clamp_interval(isinf(lower) ? NAN : lower, isinf(upper) ? NAN : upper);
}

// The gradient where the output lies inside the interval, else zero. A NaN output is not outside,
// so the gradient of a diverged activation is not hidden: it is what PyTorch does.
INLINE vec inner_gradient(vec gradient, vec output, interval bounds) {
  return keep(gradient, ~((output <= bounds.lower) | (output >= bounds.upper)));
}
