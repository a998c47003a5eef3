// SPDX-License-Identifier: Apache-2.0
// Buffers that end the program when a kernel touches a byte beside them.
//
// With the address sanitizer that is its work. Without it a buffer is mapped between two pages that cannot be
// touched: at random it ends where the one begins, which finds what is read or written behind it, or begins
// where the other ends. The rest of its pages is filled with a byte, so that a write on its other side is
// found when it is given back.
#include <string.h>

#include "buffers.h"

static void *had(void *memory, size_t bytes) {
  if (memory == NULL) {
    fprintf(stderr, "%zu bytes cannot be had\n", bytes);
    exit(2);
  }
  return memory;
}

enum { LINE = 64 };

#if __has_feature(address_sanitizer)

void *exact(size_t bytes) {
  void *memory = NULL;
  return had(posix_memalign(&memory, LINE, bytes > 0 ? bytes : 1) == 0 ? memory : NULL, bytes);
}

void *exact_on_line(size_t bytes) { return exact(bytes); }

void give_back(void *memory) { free(memory); }

#else

#include <sys/mman.h>
#include <unistd.h>

enum { REST = 0xa5 };

// At the start of the mapping; then a page that cannot be touched, the pages of the buffer, and another such.
typedef struct {
  size_t bytes, room;
  unsigned char *memory;
} header;

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *mapped(size_t bytes, size_t alignment) {
  static uint64_t buffers = 0;
  const int ends = next_random(&buffers) & 1;
  const size_t room = ((bytes > 0 ? bytes : 1) + page() - 1) / page() * page();
  unsigned char *start =
      mmap(NULL, room + 3 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  had(start == MAP_FAILED ? NULL : start, bytes);
  unsigned char *first = start + 2 * page();
  header *h = (header *)start;
  *h = (header){bytes, room, first + (ends && bytes > 0 ? (room - bytes) / alignment * alignment : 0)};
  memset(first, REST, room);
  if (mprotect(start + page(), page(), PROT_NONE) != 0 || mprotect(first + room, page(), PROT_NONE) != 0)
    had(NULL, bytes);
  return h->memory;
}

void *exact(size_t bytes) { return mapped(bytes, 1); }
void *exact_on_line(size_t bytes) { return mapped(bytes, LINE); }

void give_back(void *memory) {
  if (memory == NULL) return;
  unsigned char *first = (unsigned char *)((uintptr_t)memory / page() * page());
  const header *h = (header *)(first - 2 * page());
  for (size_t i = 0; i < h->room; i++) {
    const int is_rest = first + i < h->memory || first + i >= h->memory + h->bytes;
    if (is_rest && first[i] != REST) {
      fprintf(stderr, "a byte beside a buffer of %zu bytes was written\n", h->bytes);
      exit(1);
    }
  }
  munmap(first - 2 * page(), h->room + 3 * page());
}

#endif
