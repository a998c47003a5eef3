// SPDX-License-Identifier: Apache-2.0
// What two processors take to hand a word to each other and back. A step of a small network is a
// hundred kernels of a tenth of a millisecond, each of which reads what the other thread has just
// written: on virtual processors that the host moves between parts of a chip with caches of their
// own, the round trip tells in which state a step was measured.
//
//   clang -O2 Benchmarks/roofline/threads.c -o threads -lpthread && ./threads [ROUNDS]
//
// Prints nanoseconds a round trip between processors 0 and 1, once for each of ROUNDS seconds (one).
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIPS 200000

static _Alignas(128) atomic_int word;

static void stay_on(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    perror("processors 0 and 1 are needed");
    exit(1);
  }
}

static void wait_for(int value) {
  while (atomic_load_explicit(&word, memory_order_acquire) != value) {
  }
}

static void *answer(void *unused) {
  stay_on(1);
  for (int trip = 0; trip < TRIPS; trip++) {
    wait_for(2 * trip + 1);
    atomic_store_explicit(&word, 2 * trip + 2, memory_order_release);
  }
  return unused;
}

static double round_trip(void) {
  pthread_t other;
  struct timespec start, end;
  atomic_store(&word, 0);
  pthread_create(&other, NULL, answer, NULL);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int trip = 0; trip < TRIPS; trip++) {
    atomic_store_explicit(&word, 2 * trip + 1, memory_order_release);
    wait_for(2 * trip + 2);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  pthread_join(other, NULL);
  return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / TRIPS;
}

int main(int count, char **arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 1;
  stay_on(0);
  for (int round = 0; round < rounds; round++) {
    if (round > 0) nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    printf("%.0f ns\n", round_trip());
    fflush(stdout);
  }
}
