// SPDX-License-Identifier: Apache-2.0
// What Swift cannot import of MPI: its constants are macros. Errors of MPI end all processes, as its default is.
#include <mpi.h>

/// Starts MPI; gives the number of this process and of how many.
static inline void swpu_mpi_start(int *rank, int *count) {
  int level;
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  MPI_Comm_size(MPI_COMM_WORLD, count);
}

static inline void swpu_mpi_host(char name[MPI_MAX_PROCESSOR_NAME]) {
  int length;
  MPI_Get_processor_name(name, &length);
}

/// Begins to send and to receive bytes; both are done when `swpu_mpi_wait` returns.
static inline MPI_Request swpu_mpi_send(const void *bytes, int count, int rank) {
  MPI_Request request;
  MPI_Isend(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request);
  return request;
}

static inline MPI_Request swpu_mpi_receive(void *bytes, int count, int rank) {
  MPI_Request request;
  MPI_Irecv(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request);
  return request;
}

static inline void swpu_mpi_wait(MPI_Request *requests, int count) {
  MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
}

/// Ends all processes at once.
static inline void swpu_mpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }
