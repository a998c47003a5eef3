// SPDX-License-Identifier: Apache-2.0
#include "allocation_counter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && defined(__LP64__) && !defined(SANITIZED)
#define WORKS 1
#else
#define WORKS 0
#endif

static _Thread_local bool watched;
static _Thread_local size_t least;
static _Atomic int64_t total;

bool allocation_counter_works(void) { return WORKS; }
void allocation_counter_watch_thread(bool watch, int64_t least_bytes) {
  watched = watch;
  least = (size_t)least_bytes;
}
int64_t allocation_counter_total(void) { return atomic_load(&total); }

#if WORKS
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc lets a program define these in place of its own, which keep their other names.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static inline void count(size_t bytes) {
  if (watched && bytes >= least) atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
}

void *malloc(size_t bytes) {
  count(bytes);
  return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes) {
  count(items * bytes);
  return __libc_calloc(items, bytes);
}

void *realloc(void *old, size_t bytes) {
  count(bytes);
  return __libc_realloc(old, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count(bytes);
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  count(bytes);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  count(bytes);
  void *memory = __libc_memalign(alignment, bytes);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

// Tensors are mapped, not allocated.
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  count(bytes);
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}
#endif
