// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Tensor
import Training

/// The processes that `mpirun` has started as one.
enum World {
  /// How many processes there are, and how many of them on this machine; 1 without `mpirun`.
  static let count = number("OMPI_COMM_WORLD_SIZE")
  static let countHere = number("OMPI_COMM_WORLD_LOCAL_SIZE")

  private static func number(_ variable: String) -> Int {
    max(1, ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? 1)
  }

  #if MPI
    /// Started once a command asks for it.
    private static let started = MPIRanks()
    nonisolated(unsafe) private static var isStarted = false

    /// The ranks; nil where there is one process.
    static func ranks() throws -> (any Ranks)? {
      guard count > 1 else { return nil }
      let ranks = started
      isStarted = true
      StandardStreams.isSilent = !ranks.isFirst
      return ranks
    }

    /// Ends this process with what a command has thrown. An error that the other ranks do not know of
    /// ends them too.
    static func exit(withError error: any Error) -> Never {
      guard isStarted else { SWPU.exit(withError: error) }
      if let error = error as? ExitCode {
        started.finish()
        SWPU.exit(withError: error)
      }
      let text = "rank \(started.rank) on \(started.host): " + SWPU.fullMessage(for: error)
      StandardStreams.isSilent = false
      note(text)
      started.abort(SWPU.exitCode(for: error).rawValue)
    }

    /// Waits for the other ranks to end.
    static func finish() {
      if isStarted { started.finish() }
    }
  #else
    /// The ranks; nil where there is one process.
    ///
    /// - Throws: `ValidationError` where there are more, for which this program was not built.
    static func ranks() throws -> (any Ranks)? {
      if count == 1 { return nil }
      throw ValidationError(
        "mpirun: this program was built without MPI; 'swift build -c release --traits MPI' builds it "
          + "with it")
    }

    static func exit(withError error: any Error) -> Never { SWPU.exit(withError: error) }

    static func finish() {}
  #endif
}

#if MPI
  import CMPI

  /// The processes that MPI has started.
  private struct MPIRanks: Ranks {
    let rank, count: Int
    let host: String

    init() {
      var (rank, count): (Int32, Int32) = (0, 0)
      swpu_mpi_start(&rank, &count)
      var name = [CChar](repeating: 0, count: Int(MPI_MAX_PROCESSOR_NAME))
      swpu_mpi_host(&name)
      (self.rank, self.count) = (Int(rank), Int(count))
      host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func exchange(
      _ outgoing: [UnsafeRawBufferPointer], into incoming: [UnsafeMutableRawBufferPointer]
    ) {
      var requests: [MPI_Request?] = []
      for other in 0..<count where other != rank {
        requests.append(
          swpu_mpi_receive(incoming[other].baseAddress, Int32(incoming[other].count), Int32(other)))
      }
      // Each starts with the next one, so that not all send to the same.
      for step in 1..<count {
        let other = (rank + step) % count
        requests.append(
          swpu_mpi_send(outgoing[other].baseAddress, Int32(outgoing[other].count), Int32(other)))
      }
      if let from = outgoing[rank].baseAddress, let to = incoming[rank].baseAddress {
        memmove(to, from, outgoing[rank].count)
      }
      swpu_mpi_wait(&requests, Int32(requests.count))
    }

    func finish() { MPI_Finalize() }

    func abort(_ status: Int32) -> Never {
      swpu_mpi_abort(status)
      exit(status)
    }
  }
#endif
