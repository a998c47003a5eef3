// SPDX-License-Identifier: Apache-2.0
// A disk that fails: stands before the C library (LD_PRELOAD) and lets one call on files below a
// folder fail, and all later ones too where the disk is said to be full.
//
// SWPU_FAULT_FOLDER  the folder
// SWPU_FAULT_AT      which call fails, from 1
// SWPU_FAULT_KIND    write, short (half of the bytes, then no more), sync, rename, open
// SWPU_FAULT_STAYS   1: every later call of that kind fails as well
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int calls;

static int is_ours(const char *path) {
  const char *folder = getenv("SWPU_FAULT_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_open_file_of_ours(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count <= 0) return 0;
  path[count] = 0;
  return is_ours(path);
}

static int fails(const char *kind) {
  const char *wanted = getenv("SWPU_FAULT_KIND");
  if (!wanted || strcmp(wanted, kind) != 0) return 0;
  const char *at = getenv("SWPU_FAULT_AT");
  int call = atomic_fetch_add(&calls, 1) + 1;
  int first = at ? atoi(at) : 0;
  int stays = getenv("SWPU_FAULT_STAYS") != NULL;
  if (call == first || (stays && call > first)) {
    // Notifies the script that the call was reached.
    const char *mark = getenv("SWPU_FAULT_MARK");
    if (mark) {
      int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
      int descriptor = real_open(mark, O_WRONLY | O_CREAT, 0600);
      if (descriptor >= 0) close(descriptor);
    }
    return 1;
  }
  return 0;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (is_open_file_of_ours(descriptor)) {
    if (fails("write")) {
      errno = ENOSPC;
      return -1;
    }
    if (count > 1 && fails("short")) {
      real(descriptor, bytes, count / 2);
      errno = ENOSPC;
      return -1;
    }
  }
  return real(descriptor, bytes, count);
}

int fsync(int descriptor) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (is_open_file_of_ours(descriptor) && fails("sync")) {
    errno = EIO;
    return -1;
  }
  return real(descriptor);
}

int rename(const char *from, const char *to) {
  int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  if (is_ours(to) && fails("rename")) {
    errno = EIO;
    return -1;
  }
  return real(from, to);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  if (is_ours(path) && (flags & O_ACCMODE) != O_RDONLY && fails("open")) {
    errno = EMFILE;
    return -1;
  }
  return real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened("open64", path, flags, mode);
}
