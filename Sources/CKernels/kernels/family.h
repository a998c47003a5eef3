// SPDX-License-Identifier: Apache-2.0
// A kernel family: how the kept weights of a layer are packed, and the kernels that run over such
// lists. Each has a folder of families/, and its row of this table is all that the rest knows of it.

typedef struct conv_job conv_job;         // convolution_job.inc
typedef struct gradient_job gradient_job; // weight_gradient_job.inc

typedef struct {
  void (*forward)(const conv_job *, int32_t shard, int32_t shards);
  void (*input_gradient)(const conv_job *, int32_t shard, int32_t shards);
  void (*weight_gradient)(const gradient_job *, int32_t shard, int32_t shards);
  // Sets what the family decides of a weight gradient: vectors, group, unit_segments, unit_entries
  // and dense. `args` may be NULL, for a layer whose lists are not known yet.
  void (*plan_gradient)(gradient_job *, const ck_conv_shape *);
} conv_family;
