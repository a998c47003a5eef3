// SPDX-License-Identifier: Apache-2.0
import Files
// The C library's `stdout` is a variable, which nothing here sets.
@preconcurrency import Foundation
import Synchronization

/// Standard output and standard error, which may be closed, full, or read by a program that goes away.
enum StandardStreams {
  /// What has gone wrong with standard error; 0 for nothing.
  private static let lostNotes = Atomic<Int32>(0)

  /// Whether notes are left out: another rank writes the same ones.
  nonisolated(unsafe) static var isSilent = false

  /// Makes the program outlive all that, and end with a status other than 0 when something that it
  /// printed was lost. Comes before anything is opened.
  static func prepare() {
    // A reader that goes away is an error of writing, and no reason to end in the middle of a file.
    signal(SIGPIPE, SIG_IGN)
    // So is a file that grows beyond a limit of the system's.
    signal(SIGXFSZ, SIG_IGN)
    // The next file that is opened would take the number of a closed stream, and what is printed would
    // go into that file. What is open for reading takes no output, and says so.
    for number in Int32(0)...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      while true {
        let placeholder = open("/dev/null", O_RDONLY)
        if placeholder < 0 || placeholder >= number { break }
      }
    }
    atexit {
      let status = StandardStreams.failure
      if status != 0 { _exit(status) }
    }
  }

  /// The status to end with: 0 when all that was printed is out.
  private static var failure: Int32 {
    errno = 0
    let isLost = fflush(stdout) != 0 || ferror(stdout) != 0
    if isLost {
      // Who has closed the pipe knows.
      let reason = errno == 0 ? "it was lost" : String(cString: strerror(errno))
      if errno != EPIPE { note("Error: standard output: cannot write: \(reason)\n") }
      return 1
    }
    return lostNotes.load(ordering: .relaxed) == 0 ? 0 : 1
  }

  /// Writes to standard error; a training goes on when that cannot be done.
  static func note(_ text: String) {
    if isSilent { return }
    do throws(FileError) {
      try writeAll(Data(text.utf8), to: STDERR_FILENO, "standard error")
    } catch {
      // One who closes it wants to see nothing, and a terminal that is gone has nobody before it.
      if error.number != EBADF && error.number != EIO { lostNotes.store(1, ordering: .relaxed) }
    }
  }
}
