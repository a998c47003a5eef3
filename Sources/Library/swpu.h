/* SPDX-License-Identifier: Apache-2.0
 *
 * swpu.h: networks that are pruned while they train, from C.
 *
 * `make library` builds libswpu.so; Examples/c/lenet.c trains a LeNet in sixty lines.
 *
 * Every function that can fail returns a status: SWPU_OK, or what is wrong; swpu_last_error then has
 * the whole message, for the thread that called. After an error nothing has changed.
 *
 * Networks and models are numbers. One that was freed, or never existed, is an error and nothing
 * worse. Any thread may call any function; calls on one model wait for each other.
 *
 * Images are [image][channel][row][column] 32-bit floats, logits [image][class], weights
 * [filter][channel][row][column]. Results are bit-identical for any number of threads.
 */
#ifndef SWPU_H
#define SWPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t swpu_status;
enum {
  SWPU_OK = 0,
  SWPU_INVALID_HANDLE = 1,   /* a network or model that does not exist (any more) */
  SWPU_INVALID_ARGUMENT = 2, /* a value that is not allowed; the message says what is */
  SWPU_OUT_OF_MEMORY = 3,
  SWPU_INVALID_DATA = 4, /* bytes of a state that are damaged or of another network */
  SWPU_NOT_READY = 5     /* a call that another one has to precede */
};

typedef uint64_t swpu_network;
typedef uint64_t swpu_model;

/* The version of the library. Lives for ever. */
const char *swpu_version(void);

/* The message of this thread's last error; valid until its next one. */
const char *swpu_last_error(void);

/* ---- Networks ------------------------------------------------------------------------------- */

/* An empty network for images of a size. Layers are appended one by one; each reads values, which
 * are numbers: 0 is the images, and every layer gives its output the next number. The last layer
 * makes the logits. Names are unique, dots separate stages: "layer1.0.conv1". */
swpu_status swpu_network_create(const char *name, int32_t channels, int32_t height, int32_t width,
                                swpu_network *network);

/* One of the networks that come with the engine: "resnet18", "resnet20", "lenet5", ...
 * multiplier: multiplies the filters of every layer; 1 for the network as published. */
swpu_status swpu_network_named(const char *model, int32_t channels, int32_t height, int32_t width,
                               int32_t classes, double multiplier, swpu_network *network);

/* The network of an ONNX file, whose weights its models start from. path: the file; or NULL, and bytes
 * has its content (weights outside of it are then read from the current folder). height, width: of the
 * images, or 0 for what the file fixes. classes: 0 for as many as the file has; with another number
 * the last layer gets random weights. Layers cannot be appended; a normalisation of the images in
 * front of the first layer is left to the caller. The message of an error lists every operator that
 * the engine has no layer for. */
swpu_status swpu_network_from_onnx(const char *path, const uint8_t *bytes, int64_t size,
                                   int32_t height, int32_t width, int32_t classes,
                                   swpu_network *network);

/* Models made of a network stay. */
swpu_status swpu_network_free(swpu_network network);

/* bias, prunable: 0 or 1. output: receives the number of the output, or is NULL. */
swpu_status swpu_network_convolution(swpu_network network, const char *name, int32_t input,
                                     int32_t filters, int32_t rows, int32_t columns,
                                     int32_t stride, int32_t padding_rows,
                                     int32_t padding_columns, int32_t groups, int32_t bias,
                                     int32_t prunable, int32_t *output);
/* A larger map is flattened first. */
swpu_status swpu_network_linear(swpu_network network, const char *name, int32_t input,
                                int32_t outputs, int32_t bias, int32_t prunable,
                                int32_t *output);
/* residual: a value that is added before the activation, or -1. activation: "none", "relu",
 * "relu6". momentum: weight of a new batch in the running statistics (0.1 is usual). */
swpu_status swpu_network_batch_norm(swpu_network network, const char *name, int32_t input,
                                    int32_t residual, const char *activation, float epsilon,
                                    float momentum, int32_t *output);
swpu_status swpu_network_activation(swpu_network network, const char *name, int32_t input,
                                    const char *activation, int32_t *output);
/* kind: "max" or "average". */
swpu_status swpu_network_pool(swpu_network network, const char *name, int32_t input,
                              const char *kind, int32_t size, int32_t stride, int32_t padding,
                              int32_t *output);
swpu_status swpu_network_global_average_pool(swpu_network network, const char *name,
                                             int32_t input, int32_t *output);
swpu_status swpu_network_add(swpu_network network, const char *name, int32_t first,
                             int32_t second, int32_t *output);
swpu_status swpu_network_flatten(swpu_network network, const char *name, int32_t input,
                                 int32_t *output);
swpu_status swpu_network_dropout(swpu_network network, const char *name, int32_t input,
                                 float probability, int32_t *output);

/* ---- Models: a network with weights and memory ---------------------------------------------- */

/* batch: the most images of a pass. threads: 0 for one a processor. kernels: "avx512", "avx2",
 * "baseline", "neon", or NULL for the fastest. seed: of random weights. image_gradient: 1 makes
 * backward passes compute the gradient of the images too. */
swpu_status swpu_model_create(swpu_network network, int32_t batch, int32_t threads,
                              const char *kernels, uint64_t seed, int32_t image_gradient,
                              swpu_model *model);

/* Frees the model and all memory that swpu_model_parameter and swpu_model_statistic pointed at. */
swpu_status swpu_model_free(swpu_model model);

/* inputs: floats of one image. Any pointer may be NULL. */
swpu_status swpu_model_sizes(swpu_model model, int32_t *batch, int64_t *inputs, int32_t *classes);

/* training: 1 takes batch statistics and dropout, 0 running statistics. seed: of the dropout.
 * logits: count * classes floats, or NULL. */
swpu_status swpu_model_forward(swpu_model model, const float *images, int32_t count,
                               int32_t training, uint64_t seed, float *logits);

/* Mean softmax cross-entropy of the last forward pass; leaves its gradient for backward. correct:
 * images whose largest logit is their label's. loss, correct: may be NULL. */
swpu_status swpu_model_loss(swpu_model model, const int32_t *labels, float smoothing,
                            double *loss, int32_t *correct);

/* Computes the gradients of all parameters; each pass replaces the ones before. gradient: of any
 * loss by the logits, [image][class]; NULL takes what swpu_model_loss left. dense_gradients: 1 also
 * computes the gradients of pruned weights, which swpu_model_update_masks needs. One backward pass
 * follows one forward pass with training = 1. */
swpu_status swpu_model_backward(swpu_model model, const float *gradient,
                                int32_t dense_gradients);

/* The gradient of the images of the last backward pass, as many as there were; of a model made with
 * image_gradient = 1, until the next forward pass. */
swpu_status swpu_model_image_gradient(swpu_model model, float *output);

/* Gives the model an optimiser, with a state of zeros. */
swpu_status swpu_model_sgd(swpu_model model, float momentum, int32_t nesterov,
                           float weight_decay);
swpu_status swpu_model_adamw(swpu_model model, float beta1, float beta2, float epsilon,
                             float weight_decay);

/* One step of the optimiser. clip: the largest norm of all gradients together, or 0. */
swpu_status swpu_model_step(swpu_model model, float rate, float clip);

/* ---- Parameters ----------------------------------------------------------------------------- */

swpu_status swpu_model_parameter_count(swpu_model model, int32_t *count);

/* values, gradient: views of the engine's memory, count floats each; writing to them trains by any
 * other optimiser. They hold until the masks change (swpu_model_prune, _update_masks, _set_mask,
 * _restore) or the model is freed; then ask again.
 * positions: for a weight, the place of each float in its dense [K][C][R][S] array, or -1 for
 * padding that stays zero; NULL for biases, scales and shifts, which are dense.
 * shape: four sizes; 1 where there are fewer axes. prunable: 0 or 1. Any pointer may be NULL. */
swpu_status swpu_model_parameter(swpu_model model, int32_t index, const char **name,
                                 float **values, float **gradient, int64_t *count,
                                 const int32_t **positions, int32_t *shape, int32_t *prunable);

/* Running means and variances. */
swpu_status swpu_model_statistic_count(swpu_model model, int32_t *count);
swpu_status swpu_model_statistic(swpu_model model, int32_t index, const char **name,
                                 float **values, int64_t *count);

/* Weights as dense [K][C][R][S] arrays, zero where pruned; what is set at pruned places is left
 * out. */
swpu_status swpu_model_dense_values(swpu_model model, int32_t index, float *output);
swpu_status swpu_model_set_dense_values(swpu_model model, int32_t index, const float *values);
/* Of the last backward pass with dense_gradients = 1, until the masks change. */
swpu_status swpu_model_dense_gradient(swpu_model model, int32_t index, float *output);
/* What the next swpu_model_update_masks reads instead: the mean over many processes, say. */
swpu_status swpu_model_set_dense_gradient(swpu_model model, int32_t index, const float *values);

/* ---- Masks ---------------------------------------------------------------------------------- */

/* Draws the first masks by magnitude. options: the keys of `swpu train --config` as YAML, for
 * example "granularity: line\nsparsity: 0.9\n"; keys that are not about pruning do nothing. Total
 * steps and steps an epoch fix the schedule. */
swpu_status swpu_model_prune(swpu_model model, const char *options, int64_t total_steps,
                             int64_t steps_per_epoch);

/* Whether the schedule updates the masks after a step, counted from 0. */
swpu_status swpu_model_updates_masks(swpu_model model, int64_t step, int32_t *answer);

/* New masks by the schedule and by |w| and |dL/dW|, after backward with dense_gradients = 1 and the
 * optimiser's step. */
swpu_status swpu_model_update_masks(swpu_model model, int64_t step);

/* The mask that a criterion of your own gives, in the granularity and balance of swpu_model_prune:
 * keeps the units of largest mean |saliency| and exchanges a fraction of them for those of largest
 * mean |growth|. Changes nothing: swpu_model_set_mask does. Arrays are dense. */
swpu_status swpu_model_choose_mask(swpu_model model, int32_t index, const float *saliency,
                                   const float *growth, double density, double exchange,
                                   uint8_t *kept);

/* A byte for each weight of the dense array, 1 where it is kept. Weights that stay keep their
 * values and optimiser state, weights that come back start at zero. */
swpu_status swpu_model_mask(swpu_model model, int32_t index, uint8_t *kept);
swpu_status swpu_model_set_mask(swpu_model model, int32_t index, const uint8_t *kept);

/* ---- State and simulation ------------------------------------------------------------------- */

/* Masks, weights, optimiser state and running statistics as bytes with a checksum. bytes NULL:
 * gives the size only. */
swpu_status swpu_model_state(swpu_model model, uint8_t *bytes, int64_t capacity, int64_t *size);
swpu_status swpu_model_restore(swpu_model model, const uint8_t *bytes, int64_t size);

/* A training step with the present masks on the model of the processor, as JSON (the document of
 * `swpu simulate --json`). hardware: a preset, "swpu". Free the text with swpu_string_free. */
swpu_status swpu_model_simulate(swpu_model model, const char *hardware, int32_t batch,
                                char **json);
void swpu_string_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
