import Foundation
import Synchronization

/// Ctrl-C (and a request to terminate) as a question: the first one asks to stop after the step, the
/// second one ends the program at once.
enum Interrupt {
  private static let requested = Atomic<Bool>(false)

  static func watch() {
    for number in [SIGINT, SIGTERM] {
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
