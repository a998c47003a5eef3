// SPDX-License-Identifier: Apache-2.0
// Feature maps of BF16 values in pairs of columns: a vector of a map holds columns 2j (lower halves)
// and 2j + 1 (upper halves) of LANES images. Two taps that lie side by side are one dot product of
// such a pair with a pair of weights; sums stay floats.
typedef uint32_t map_vec __attribute__((vector_size(4 * LANES)));
#define COLUMNS 2

INLINE int64_t plane_distance(int64_t pairs) { return ck_plane_distance(2 * pairs) / 2; }

INLINE vec first_column(map_vec pair) { return (vec)(pair << 16); }

INLINE vec second_column(map_vec pair) { return (vec)(pair & 0xffff0000u); }

// To the nearest, ties to even, in the upper halves. What is not a number stays so.
INLINE map_vec rounded(vec value) {
  const map_vec bits = (map_vec)value;
  const map_vec quiet = (map_vec)(value != value);
  return (quiet & (bits | 0x400000u)) | (~quiet & (bits + 0x7fffu + (bits >> 16 & 1)));
}

#ifdef BF16_DOT
typedef __bf16 bf16_vec __attribute__((vector_size(4 * LANES)));
typedef uint16_t half_vec __attribute__((vector_size(4 * LANES)));

INLINE map_vec pair_of(vec first, vec second) {
  const half_vec halves = (half_vec)__builtin_ia32_cvtne2ps2bf16_512(second, first);
  return (map_vec)__builtin_shufflevector(halves, halves, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                          6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                          29, 14, 30, 15, 31);
}

INLINE vec dot(vec sum, map_vec a, map_vec b) {
  return __builtin_ia32_dpbf16ps_512(sum, (bf16_vec)a, (bf16_vec)b);
}
#else
INLINE map_vec pair_of(vec first, vec second) {
  return rounded(first) >> 16 | (rounded(second) & 0xffff0000u);
}

INLINE vec dot(vec sum, map_vec a, map_vec b) {
  sum += first_column(a) * first_column(b);
  return sum + second_column(a) * second_column(b);
}
#endif

// The second column of one pair and the first of the next.
INLINE map_vec straddle(map_vec left, map_vec right) { return left >> 16 | right << 16; }

INLINE map_vec first_columns(map_vec a, map_vec b) { return (a & 0xffffu) | b << 16; }

INLINE map_vec second_columns(map_vec a, map_vec b) { return a >> 16 | (b & 0xffff0000u); }

// Weights are rounded to BF16. Two go into a word, zero where there is none.
typedef uint16_t packed_weight;

INLINE map_vec word_of(uint32_t first, uint32_t second) { return (map_vec){} + (first | second << 16); }

INLINE void load_columns(const map_vec *place, vec *columns) {
  const map_vec pair = *place;
  columns[0] = first_column(pair);
  columns[1] = second_column(pair);
}

INLINE void store_columns(map_vec *place, const vec *columns) {
  *place = pair_of(columns[0], columns[1]);
}

INLINE void put_columns(map_vec *destination, const vec *columns, int32_t accumulate) {
  vec values[2] = {columns[0], columns[1]};
  if (accumulate) {
    values[0] += first_column(*destination);
    values[1] += second_column(*destination);
  }
  store_columns(destination, values);
}
