// What the kernels over whole planes share: where a plane lies, which of its lanes are images of
// the batch, sums over it, and the activation interval.
typedef double double_vec __attribute__((vector_size(8 * LANES)));

INLINE int64_t plane_start(const ck_planes *planes, int32_t block, int64_t channel) {
  return (block * (int64_t)planes->channels + channel) * planes->pixels;
}

INLINE ivec images_of_block(const ck_planes *planes, int32_t block) {
  return lanes_below(planes->images - block * LANES);
}

INLINE double images_times_pixels(const ck_planes *planes) {
  return (double)planes->images * planes->pixels;
}

// C has no ?: between vectors; compilers turn this into a blend, or the clamp into a maximum.
INLINE vec blend(ivec mask, vec where_set, vec elsewhere) {
  return (vec)(((ivec)where_set & mask) | ((ivec)elsewhere & ~mask));
}

// The sum of a plane, lane by lane. One accumulator would wait for the latency of every addition.
INLINE vec plane_sum(const vec *plane, int32_t pixels) {
  vec part[4] = {};
  int32_t pixel = 0;
  for (; pixel + 4 <= pixels; pixel += 4)
    UNROLL for (int32_t i = 0; i < 4; i++) part[i] += plane[pixel + i];
  for (; pixel < pixels; pixel++) part[0] += plane[pixel];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

// Lanes stay apart until a channel is complete, so padded images, whatever they hold, can be left
// out once a plane instead of once a pixel; and planes add up in double, so that the precision
// does not fall with the batch.
INLINE void add_images(double_vec *sum, vec value, ivec images) {
  *sum += __builtin_convertvector(keep(value, images), double_vec);
}

// Pairwise, like lane_sum: a chain of LANES additions is what small planes would wait for.
INLINE double sum_of_lanes(const double_vec *value) {
  double part[LANES];
  memcpy(part, value, sizeof part);
  UNROLL for (int32_t width = LANES / 2; width >= 1; width /= 2)
    UNROLL for (int32_t lane = 0; lane < width; lane++) part[lane] += part[lane + width];
  return part[0];
}

// The sum of a channel over the images of the batch.
INLINE double sum_of_channel(const ck_planes *planes, const float *input, int64_t channel) {
  double_vec sum = {};
  for (int32_t block = 0; block < planes->blocks; block++) {
    const vec *plane = (const vec *)input + plane_start(planes, block, channel);
    add_images(&sum, plane_sum(plane, planes->pixels), images_of_block(planes, block));
  }
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
