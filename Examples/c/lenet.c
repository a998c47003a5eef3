/* SPDX-License-Identifier: Apache-2.0
 * Trains LeNet-5 at 80 % sparsity to find a bright square. `make library` builds libswpu and runs this. */
#include <stdio.h>
#include <stdlib.h>
#include "swpu.h"

enum { BATCH = 32, SIDE = 28, CLASSES = 9, STEPS = 300 };

static void check(swpu_status status) {
  if (status == SWPU_OK) return;
  fprintf(stderr, "%s\n", swpu_last_error());
  exit(1);
}

/* Noise with a square in one of nine places. */
static void draw(float *image, int32_t label) {
  for (int pixel = 0; pixel < SIDE * SIDE; pixel++) image[pixel] = (float)rand() / RAND_MAX;
  int top = 2 + label / 3 * 8, left = 2 + label % 3 * 8;
  for (int y = top; y < top + 6; y++)
    for (int x = left; x < left + 6; x++) image[y * SIDE + x] += 0.5f;
}

int main(void) {
  swpu_network network;
  int32_t x;
  check(swpu_network_create("lenet", 1, SIDE, SIDE, &network));
  check(swpu_network_convolution(network, "conv1", 0, 6, 5, 5, 1, 2, 2, 1, 1, 0, &x));
  check(swpu_network_activation(network, "relu1", x, "relu", &x));
  check(swpu_network_pool(network, "pool1", x, "max", 2, 2, 0, &x));
  check(swpu_network_convolution(network, "conv2", x, 16, 5, 5, 1, 0, 0, 1, 1, 1, &x));
  check(swpu_network_activation(network, "relu2", x, "relu", &x));
  check(swpu_network_pool(network, "pool2", x, "max", 2, 2, 0, &x));
  check(swpu_network_linear(network, "fc1", x, 120, 1, 1, &x));
  check(swpu_network_activation(network, "relu3", x, "relu", &x));
  check(swpu_network_linear(network, "fc2", x, CLASSES, 1, 0, &x));

  swpu_model model;
  check(swpu_model_create(network, BATCH, 0, NULL, 1, 0, &model));
  check(swpu_model_prune(model, "sparsity: 0.8\nschedule: dynamic\n", STEPS, 100));
  check(swpu_model_sgd(model, 0.9f, 0, 5e-4f));
  static float images[BATCH * SIDE * SIDE];
  for (int step = 0; step < STEPS; step++) {
    int32_t labels[BATCH], correct, updates;
    double loss;
    for (int image = 0; image < BATCH; image++) {
      labels[image] = rand() % CLASSES;
      draw(images + image * SIDE * SIDE, labels[image]);
    }
    check(swpu_model_updates_masks(model, step, &updates));
    check(swpu_model_forward(model, images, BATCH, 1, step, NULL));
    check(swpu_model_loss(model, labels, 0, &loss, &correct));
    check(swpu_model_backward(model, NULL, updates));
    check(swpu_model_step(model, 0.02f, 1));
    if (updates) check(swpu_model_update_masks(model, step));
    if (step % 50 == 49) printf("step %d: loss %.3f, %d of %d right\n", step + 1, loss, correct, BATCH);
  }
  check(swpu_model_free(model));
  return 0;
}
