// SPDX-License-Identifier: Apache-2.0
// The kernels of the training engine: plain C functions behind one table per instruction set.
//
// Layout. An activation tensor is float [blocks][channels][height][width][lanes]: `lanes` images of
// the batch lie innermost, so one pixel of one channel of one block is one aligned vector, and a
// block holds lanes consecutive images. A plane is one channel of the feature map of a block. The
// last block is padded with images whose lanes the kernels that mix images (statistics, gradients
// of statistics) leave out. No halo is stored. Every tensor starts on a 64-byte boundary. Planes lie
// ck_plane_distance vectors apart; what lies between them is nobody's.
//
// Tiles. A batch that does not fill a vector is laid out as if it had more images of smaller maps:
// an image is cut into tile_rows x tile_columns tiles of equal size, and lane
// (image*tile_rows + row)*tile_columns + column holds one of them. There is one block then. To most
// kernels a tile is an image; a convolution or a pooling first gathers the windows of its tiles
// (ck_window_args) and then runs without padding.
//
// Shards. A kernel is called as f(args, shard, shards) for every shard in 0..<shards, in any order
// and from any thread; the shards write disjoint memory, and no bit of a result depends on `shards`.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdint.h>

// Vectors from a plane of so many pixels to the next. A kernel reads the same few rows of all channels: were
// planes a power of two apart, these rows would meet in a few sets of the caches and drive each other out
// (half of the speed on an Emerald Rapids, where memory lies in huge pages: docs/results/intel.json).
static inline int64_t ck_plane_distance(int64_t pixels) {
  return pixels % 256 == 0 ? pixels + pixels / 32 : pixels;
}

// ---------------------------------------------------------------------------------------------
// Convolution

typedef struct {
  int32_t blocks;                  // ceil(images / lanes)
  int32_t channels, height, width; // of the input
  int32_t filters, out_height, out_width;
  int32_t rows, columns;           // of a kernel: R, S
  int32_t stride;                  // of both axes
  int32_t padding_rows, padding_columns;
} ck_conv_shape;

// How the kept weights of a layer are packed.
enum {
  // Lines of three: 3x3 kernels, padding 1, stride 1 or 2 (stride 2: even height and width), or on
  // windows, whose padding is such that no tap falls outside of what is read. One
  // entry is one kernel row (k,c,r,:) of which 1-3 taps are kept. Segments: rows x 7, kernel row
  // outside, tap pattern inside in the order of ck_tap_patterns.
  CK_LINES3 = 0,
  // Single taps: any kernel, stride and padding. One entry is one weight. Segments: rows x columns.
  CK_TAPS = 1,
  // Blocks of 4 outputs x 4 sources: 1x1 kernels without padding, any stride. One entry is 16
  // weights, source-major: weight[source*4 + output]. Outputs and sources are counted in groups
  // of four; the places of a ragged last group hold zeros. One segment.
  CK_BLOCKS4 = 2,
};

// The seven ways to keep taps of a line of three, bit s for column s: the order of the segments.
// {7, 6, 3, 5, 4, 2, 1}
extern const uint8_t ck_tap_patterns[7];

// The kept entries of one layer for one direction.
// Forward: outputs are filters, sources channels. Transposed (input gradient, weight gradient):
// outputs are channels, sources filters, and the kernel is turned by 180 degrees: the entry of
// kernel row r (column s) is at row R-1-r (column S-1-s), its tap pattern mirrored.
typedef struct {
  int32_t form;              // CK_LINES3, CK_TAPS or CK_BLOCKS4
  int32_t outputs;           // planes (CK_BLOCKS4: groups of four planes) that the lists write
  int32_t segments;          // segments of an output
  const int32_t *starts;     // [outputs*segments + 1] first entry of each segment; contiguous
  const int32_t *sources;    // [entries] plane (CK_BLOCKS4: group of four planes) read; ascending in a segment
  const int32_t *places;     // [entries] of the entry's first weight
  const float *weights;      // packed in the order of the forward list: the pattern's taps ascending
                             // (LINES3), 1, or 16 an entry. The transposed list reads the same
                             // ones, where its taps descend (LINES3) or a block is output-major
} ck_list;

typedef struct {
  ck_conv_shape shape;       // of the layer, in its forward sense, for both directions
  ck_list list;              // forward list for forward, transposed list for input_gradient
  const float *source;       // forward: input; input gradient: gradient of the output
  float *destination;        // forward: output; input gradient: gradient of the input
  const float *bias;         // [outputs] or NULL; forward only
  int32_t accumulate;        // add to what destination holds instead of overwriting it
} ck_conv_args;

typedef struct {
  ck_conv_shape shape;
  ck_list list;              // the transposed list; its weights are not read, and its places are
                             // those in `gradient`
  const uint16_t *kept;      // CK_BLOCKS4: [entries] bit channel*4 + filter of the block's 4x4 places
                             // in the forward order; a clear bit's gradient is written as zero.
                             // NULL: all kept. Ignored by the other forms.
  const float *input;        // [blocks][channels][height][width][lanes]
  const float *output_gradient; // [blocks][filters][out_height][out_width][lanes]
  float *gradient;           // packed in the forward order: every kept weight is overwritten
  float *scratch;            // weight_gradient_scratch(...) floats
} ck_weight_gradient_args;

// ---------------------------------------------------------------------------------------------
// Whole planes: normalisation, activation, pooling

typedef struct {
  int32_t blocks, channels, pixels; // pixels = height*width of a plane, of a tile where there are
  int32_t images;                   // of the batch, padding left out: 1...blocks*lanes; or tiles
  int32_t tile_rows, tile_columns;  // tiles of an image; 1 x 1: it is whole
  int32_t tile_width;               // columns of a plane
} ck_planes;

// Training: normalise by the batch's statistics, then add the residual, then clamp to
// [lower, upper] (ReLU: 0, inf; ReLU6: 0, 6; none: -inf, inf). Shards split channels.
//   out = clamp((y - mean) * inverse_deviation * gamma + beta + residual)
// mean and variance are those of the images of the batch (two passes over the channel, which stays
// in cache), variance the biased one.
typedef struct {
  ck_planes planes;
  const float *input;
  const float *residual;     // or NULL
  float *output;             // may be the input
  const float *gamma, *beta; // [channels]
  float *mean, *variance;    // [channels] written
  float epsilon, lower, upper;
} ck_norm_args;

// Evaluation: out = clamp(y*scale + shift + residual)
typedef struct {
  ck_planes planes;
  const float *input;
  const float *residual;     // or NULL
  float *output;             // may be the input
  const float *scale, *shift;// [channels]
  float lower, upper;
} ck_affine_args;

// Backward of ck_norm_args. g = output_gradient, but 0 where output <= lower or output >= upper (so
// that NaN passes and shows); an infinite bound masks nothing.
// With residual_gradient set, g is written there (it may be output_gradient itself), or, where
// accumulate_residual is set, added to what it holds (then it is another buffer).
// gamma_gradient = sum g * (y - mean) * inverse_deviation, beta_gradient = sum g, over the batch's
// images; input_gradient = gradient of y, zero in padded images. It may be output_gradient itself
// when residual_gradient is another buffer or NULL.
// `output` is the forward result; where the activation is none (-inf, inf) it may be NULL.
typedef struct {
  ck_planes planes;
  const float *input;        // y of the forward pass
  const float *output;
  const float *output_gradient;
  float *input_gradient;
  float *residual_gradient;  // or NULL
  int32_t accumulate_residual;
  const float *gamma, *mean, *variance; // [channels] as forward left them
  float *gamma_gradient, *beta_gradient; // [channels]
  float epsilon, lower, upper;
} ck_norm_gradient_args;

// out = clamp(x); backward: the gradient, but 0 where output <= lower or output >= upper.
// Shards split the elements. Arrays hold `count` floats, a multiple of lanes.
typedef struct {
  int64_t count;
  const float *input;        // forward: x; backward: output gradient
  const float *output_of_forward; // backward only
  float *output;             // forward: result; backward: input gradient
  int32_t accumulate;        // backward only
  float lower, upper;
} ck_clamp_args;

// out = a + b, or out += a when b is NULL. Arrays hold `count` floats, a multiple of lanes.
typedef struct {
  int64_t count;
  const float *a, *b;
  float *output;
} ck_add_args;

// Sum over the images and pixels of each channel (bias gradients): sums[channel]. Shards: channels.
typedef struct {
  ck_planes planes;
  const float *input;
  float *sums;
} ck_channel_sum_args;

// Counts of exact zeros among the batch's images (padding left out): zeros[channel]. Shards: channels.
typedef struct {
  ck_planes planes;
  const float *input;
  int64_t *zeros;
} ck_zero_count_args;

// The bits of the largest magnitude of each channel among the batch's images; infinity and NaN are
// above all numbers. Shards: channels.
typedef struct {
  ck_planes planes;
  const float *input;
  int32_t *bits;
} ck_largest_args;

// Rounds each channel, times 2^exponent, to the values of a format, saturated at +-largest, ties to
// even, in place; leaves channels whose exponent is INT32_MIN. Shards: channels.
typedef struct {
  ck_planes planes;
  float *values;
  const int32_t *exponents;  // -126...126
  float largest;
  int32_t fraction_bits;
  int32_t least_exponent;    // of normal numbers
} ck_round_args;

enum { CK_MAX_POOL = 0, CK_AVERAGE_POOL = 1 };

// Pooling windows of size x size, padding with -inf (max) or zeros that count (average, as PyTorch's
// count_include_pad). Shards split (block, channel) planes.
// Max pooling: `winners` [blocks][channels][out_height][out_width][lanes] bytes: row*size + column of
// the first largest element of the window; NULL in evaluation. size <= 15.
typedef struct {
  int32_t kind;
  int32_t blocks, channels, height, width, out_height, out_width;
  int32_t size, stride, padding;
  const float *source;       // forward: input; backward: output gradient
  float *destination;        // forward: output; backward: input gradient
  uint8_t *winners;
  int32_t accumulate;        // backward only
} ck_pool_args;

// Mean over the pixels of a plane, all tiles of an image: [blocks][channels][pixels][lanes] ->
// [blocks][channels][lanes] of whole images, and its backward, which spreads gradient / pixels.
// Shards split (block, channel) planes.
typedef struct {
  ck_planes planes;
  const float *source;
  float *destination;
  int32_t accumulate;        // backward only
} ck_global_pool_args;

// Inverted dropout: out = x * scale where hash(seed, index) keeps the element, else 0; the same call
// on the gradient is the backward pass. Element index i is dropped when the 32-bit hash < threshold.
// The hash depends on seed and element index within the logical [image][channel][pixel] tensor, so
// that the number of lanes does not change which elements are dropped.
typedef struct {
  ck_planes planes;
  const float *source;
  float *destination;        // may be the source
  int32_t accumulate;
  uint64_t seed;
  uint32_t threshold;
  float scale;
} ck_dropout_args;

// Planar images [images][channels][height][width] <-> blocked layout, padding lanes written as zero.
// Shards split parts of a block.
typedef struct {
  ck_planes planes;
  const float *source;
  float *destination;
} ck_relayout_args;

// ---------------------------------------------------------------------------------------------
// Windows of tiles

// `count` pixels of a window, from `to` on, are pixels of the source plane from `from` on with their
// lanes exchanged: lane l takes lane shuffles[shuffle*lanes + l], or the fill where that is -1.
// Shuffle 0 leaves all lanes in place. With `gather` set, each lane of the one pixel has a place of
// its own in the plane: gathers[gather*lanes + l] = pixel*lanes + lane, or -1.
typedef struct {
  int32_t to, from, count, shuffle;
  int32_t gather;            // or -1
} ck_window_run;

// Copies the windows that the tiles of one map read from the tiles of another: planes that lie
// source_distance vectors apart to planes that lie window_distance apart, which the runs cover. And
// the gradient: adds each pixel of a window to where it came from. Shards split planes.
typedef struct {
  int32_t planes;
  int64_t source_distance, window_distance;
  int32_t lanes;             // that hold windows; the others are filled with zeros
  int32_t runs;
  const ck_window_run *run;
  const int32_t *shuffles, *gathers;
  float *source;             // written by the gradient only
  float *windows;
  float fill;
  int32_t accumulate;        // windows: adds to them; gradient: adds to what source holds
} ck_window_args;

// ---------------------------------------------------------------------------------------------
// Optimisers on packed arrays. Shards split elements. Gradients are multiplied by gradient_scale
// first (clipping). Any count.

// PyTorch's SGD: d = g + decay*w; m = momentum*m + d (first step: m = d); nesterov: d + momentum*m.
typedef struct {
  int64_t count;
  float *weights, *momentum;      // momentum may be NULL when momentum_factor is 0
  const float *gradient;
  float learning_rate, momentum_factor, weight_decay, gradient_scale;
  int32_t nesterov;
} ck_sgd_args;

// PyTorch's AdamW: decoupled decay, bias corrections given as 1 - beta^t.
typedef struct {
  int64_t count;
  float *weights, *first, *second;
  const float *gradient;
  float learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  float correction1, correction2;
} ck_adamw_args;

// ---------------------------------------------------------------------------------------------
// The table

typedef struct {
  const char *name;          // "avx512", "avx2", "neon", "baseline"
  int32_t lanes;             // images a block: 16, 8 or 4

  void (*forward)(const ck_conv_args *, int32_t shard, int32_t shards);
  void (*input_gradient)(const ck_conv_args *, int32_t shard, int32_t shards);
  void (*weight_gradient)(const ck_weight_gradient_args *, int32_t shard, int32_t shards);
  int64_t (*weight_gradient_scratch)(const ck_conv_shape *, int32_t form, int64_t entries);

  void (*norm)(const ck_norm_args *, int32_t shard, int32_t shards);
  void (*affine)(const ck_affine_args *, int32_t shard, int32_t shards);
  void (*norm_gradient)(const ck_norm_gradient_args *, int32_t shard, int32_t shards);
  void (*clamp)(const ck_clamp_args *, int32_t shard, int32_t shards);
  void (*clamp_gradient)(const ck_clamp_args *, int32_t shard, int32_t shards);
  void (*add)(const ck_add_args *, int32_t shard, int32_t shards);
  void (*channel_sum)(const ck_channel_sum_args *, int32_t shard, int32_t shards);
  void (*zero_count)(const ck_zero_count_args *, int32_t shard, int32_t shards);
  void (*largest)(const ck_largest_args *, int32_t shard, int32_t shards);
  void (*round)(const ck_round_args *, int32_t shard, int32_t shards);
  void (*pool)(const ck_pool_args *, int32_t shard, int32_t shards);
  void (*pool_gradient)(const ck_pool_args *, int32_t shard, int32_t shards);
  void (*global_pool)(const ck_global_pool_args *, int32_t shard, int32_t shards);
  void (*global_pool_gradient)(const ck_global_pool_args *, int32_t shard, int32_t shards);
  void (*dropout)(const ck_dropout_args *, int32_t shard, int32_t shards);
  void (*block_images)(const ck_relayout_args *, int32_t shard, int32_t shards);
  void (*unblock_images)(const ck_relayout_args *, int32_t shard, int32_t shards);
  void (*windows)(const ck_window_args *, int32_t shard, int32_t shards);
  void (*window_gradient)(const ck_window_args *, int32_t shard, int32_t shards);

  void (*sgd)(const ck_sgd_args *, int32_t shard, int32_t shards);
  void (*adamw)(const ck_adamw_args *, int32_t shard, int32_t shards);
  // Sum of squares in double, in an order that depends on count alone.
  double (*square_sum)(const float *values, int64_t count);

  // Runs `rounds` rounds of independent fused multiply-adds in registers and returns the number of
  // floating-point operations done: the roof of the roofline, timed by the caller.
  double (*peak)(int64_t rounds);
} ck_kernels;

// ---------------------------------------------------------------------------------------------
// Maps of pairs of columns
//
// A map whose rows have an even number of columns can be held in 16 bits: words
// [blocks][channels][height][width/2][lanes], with BF16 column 2j in the lower half and column
// 2j + 1 in the upper one. The kernels below take the arguments of those above with these changes:
// every pointer to a map is one to words; widths and pixels are counted in pairs, so `width` of a
// shape is half of the map's, and planes lie half as many vectors apart; counts of elements are counts of words; the weights of a list are
// words made by `pack_weights`. Images are whole (no tiles). Sums, statistics and the gradients of
// weights are floats. There are kernels for CK_LINES3 and for CK_BLOCKS4 with stride 1 or 2, on
// outputs of an even width.

// `count` words x lanes <-> twice as many floats x lanes of the same pixels. Shards split them.
typedef struct {
  int64_t count;
  float *floats;
  uint32_t *pairs;
} ck_pack_args;

// Packed weights rounded to BF16, in the places of the floats. In a block of CK_BLOCKS4 the weights of
// two sources lie side by side, [source/2][output][source%2], sources and outputs being those of the
// forward list or, `turned`, of the transposed one. Shards split them.
typedef struct {
  int64_t count;
  int32_t form, turned;
  const float *weights;
  uint16_t *rounded;
} ck_pair_weights_args;

typedef struct {
  const char *name;          // as in ck_kernels; "avx512bf16" has BF16 dot products
  int32_t lanes;
  int32_t multiplies_bf16;   // at twice the rate of floats; the others convert in registers
  void (*pack)(const ck_pack_args *, int32_t shard, int32_t shards);
  void (*unpack)(const ck_pack_args *, int32_t shard, int32_t shards);
  void (*round_weights)(const ck_pair_weights_args *, int32_t shard, int32_t shards);
  void (*forward)(const ck_conv_args *, int32_t shard, int32_t shards);
  void (*input_gradient)(const ck_conv_args *, int32_t shard, int32_t shards);
  void (*weight_gradient)(const ck_weight_gradient_args *, int32_t shard, int32_t shards);
  int64_t (*weight_gradient_scratch)(const ck_conv_shape *, int32_t form, int64_t entries);
  void (*norm)(const ck_norm_args *, int32_t shard, int32_t shards);
  void (*affine)(const ck_affine_args *, int32_t shard, int32_t shards);
  void (*norm_gradient)(const ck_norm_gradient_args *, int32_t shard, int32_t shards);
  void (*clamp)(const ck_clamp_args *, int32_t shard, int32_t shards);
  void (*clamp_gradient)(const ck_clamp_args *, int32_t shard, int32_t shards);
  void (*add)(const ck_add_args *, int32_t shard, int32_t shards);
  void (*channel_sum)(const ck_channel_sum_args *, int32_t shard, int32_t shards);
  void (*zero_count)(const ck_zero_count_args *, int32_t shard, int32_t shards);
} ck_pair_kernels;

// The tables of this build as with ck_table; a layout (lanes) may have several.
const ck_pair_kernels *ck_pair_table(int32_t index);
int32_t ck_pair_table_supported(int32_t index);
// The fastest one of a layout on this CPU; NULL if there is none.
const ck_pair_kernels *ck_fastest_pair_table(int32_t lanes);

// The tables of this build, fastest first, ending with "baseline" (or "neon").
// ck_table(i) is NULL past the last one; ck_table_supported(i) is whether this CPU can run it.
const ck_kernels *ck_table(int32_t index);
int32_t ck_table_supported(int32_t index);

// Scalar reference convolutions on the same arguments, for tests and benchmarks: plain loops over
// every kept weight, accumulating in double. `lanes` is the layout's.
void ck_reference_forward(const ck_conv_args *, int32_t lanes);
void ck_reference_input_gradient(const ck_conv_args *, int32_t lanes);
void ck_reference_weight_gradient(const ck_weight_gradient_args *, int32_t lanes);

// Sets this thread to flush subnormals to zero and returns the previous control word; restore puts
// it back.
uint64_t ck_flush_subnormals(void);
void ck_restore_float_control(uint64_t previous);

// One pause of a spinning thread.
void ck_spin_pause(void);

#endif
