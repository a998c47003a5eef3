// SPDX-License-Identifier: Apache-2.0
// Feature maps of floats: a vector of a map is a vector of values, one column of LANES images.
typedef vec map_vec;
#define COLUMNS 1

INLINE int64_t plane_distance(int64_t pixels) { return ck_plane_distance(pixels); }

typedef float packed_weight;

INLINE void load_columns(const map_vec *place, vec *columns) { columns[0] = *place; }

INLINE void store_columns(map_vec *place, const vec *columns) { *place = columns[0]; }

INLINE void put(vec *destination, vec value, int32_t accumulate) {
  *destination = accumulate ? *destination + value : value;
}

INLINE void put_columns(map_vec *destination, const vec *columns, int32_t accumulate) {
  put(destination, columns[0], accumulate);
}
