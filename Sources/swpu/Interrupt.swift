// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Ctrl-C (and a request to terminate, or a terminal that goes away) as a question: the first one asks to stop after the step, the
/// second one ends the program at once.
enum Interrupt {
  private static let requested = Atomic<Bool>(false)

  static func watch() {
    // A parent that blocks signals in the thread that starts us hands the block down.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGHUP)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // Under nohup, a terminal may go away.
    var hangUp = sigaction()
    sigaction(SIGHUP, nil, &hangUp)
    let ignoresHangUp = unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self) == 1
    for number in [SIGINT, SIGTERM] + (ignoresHangUp ? [] : [SIGHUP]) {
      signal(number) { number in
        if Interrupt.requested.exchange(true, ordering: .relaxed) {
          signal(number, SIG_DFL)
          raise(number)
        }
      }
    }
  }

  static var isRequested: Bool { requested.load(ordering: .relaxed) }
}
