// SPDX-License-Identifier: Apache-2.0
// Counts allocations of the threads that ask for it, mapped memory included, by standing in for
// malloc and its kin in the program that it is linked into. Works with glibc on 64 bits; elsewhere,
// and under sanitizers that replace malloc themselves, nothing is counted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether allocations are counted at all.
bool allocation_counter_works(void);

// Starts or stops counting the allocations of at least so many bytes of the calling thread.
void allocation_counter_watch_thread(bool watch, int64_t least_bytes);

// Allocations of all watched threads since the program started.
int64_t allocation_counter_total(void);
