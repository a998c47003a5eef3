// SPDX-License-Identifier: Apache-2.0
// Generic vectors of LANES floats, in the compiler's own vector types: the same source becomes
// AVX-512, AVX2, SSE or NEON by the target it is compiled for. Included by kernel families only,
// inside a file that defines LANES.
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));

// Debugging information of code that is unrolled a thousand times takes most of a compilation.
#define INLINE static inline __attribute__((always_inline, nodebug))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec broadcast(float value) { return (vec){} + value; }

// Lanes 0..<count as all-ones masks, the rest zero.
INLINE ivec lanes_below(int32_t count) {
  ivec mask;
  for (int32_t lane = 0; lane < LANES; lane++) mask[lane] = lane < count ? -1 : 0;
  return mask;
}

INLINE vec keep(vec value, ivec mask) { return (vec)((ivec)value & mask); }

// The sum of the lanes, pairwise: upper half onto lower half until one is left.
INLINE float lane_sum(vec value) {
  float part[LANES];
  memcpy(part, &value, sizeof part);
  UNROLL for (int32_t width = LANES / 2; width >= 1; width /= 2)
    UNROLL for (int32_t lane = 0; lane < width; lane++) part[lane] += part[lane + width];
  return part[0];
}

// The part of 0..<count that belongs to a shard.
INLINE int64_t shard_start(int64_t count, int32_t shard, int32_t shards) {
  return count * shard / shards;
}
