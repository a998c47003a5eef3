// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Tensor
import Testing

@testable import Training

/// Feeds the readers of a run's files texts that were mutated from a seed; `SWPU_FUZZ_SECONDS` lets it
/// run longer, as `ParserFuzzTests` does.
@Suite("Mutated files of runs", .serialized) struct RunFuzzTests {
  private func fuzz(_ original: String, _ body: (Data) throws -> Void) rethrows {
    let seconds = ProcessInfo.processInfo.environment["SWPU_FUZZ_SECONDS"].flatMap(Double.init)
    let end = Date(timeIntervalSinceNow: seconds ?? 0)
    var random = SeededRandom(seed: 3)
    var count = 0
    repeat {
      for _ in 0..<500 { try body(Data(mutated(Array(original.utf8), &random))) }
      count += 500
    } while seconds != nil && Date() < end
    if seconds != nil { print("\(count) texts") }
  }

  /// A line that a terminal can show.
  private func isPlain(_ message: String) -> Bool {
    message.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
  }

  @Test("a configuration is read, or refused by file and key")
  func configuration() {
    var (read, refused) = (0, 0)
    fuzz(TrainingConfiguration().yaml) { bytes in
      do throws(ConfigurationError) {
        let found = try TrainingConfiguration(yaml: bytes, file: "c.yaml")
        #expect((1...100_000).contains(found.epochs))
        read += 1
      } catch {
        #expect(error.file == "c.yaml" && !error.key.isEmpty && isPlain(error.description))
        refused += 1
      }
    }
    #expect(read > 0 && refused > 0)
  }

  @Test("metrics lose no line but those that cannot be read, which are named")
  func metrics() {
    let line = #"{"accuracy":0.5,"kind":"step","learningRate":0.1,"loss":1.5,"step":50}"#
    let epoch =
      #"{"epoch":1,"epochs":2,"kind":"epoch","seconds":1,"sparsity":0.5,"step":60,"#
      + #""testAccuracy":0.5,"testLoss":1,"trainAccuracy":0.5,"trainLoss":1}"#
    let text = [line, epoch, line, ""].joined(separator: "\n")
    var damaged = 0
    fuzz(text) { bytes in
      let found = RunMetrics(bytes, file: "m.jsonl")
      // Another kind may be one of a later version.
      #expect(found.steps.count + found.epochs.count <= bytes.count { $0 == 10 })
      #expect(
        found.problems.allSatisfy { $0.hasPrefix("m.jsonl: cannot read line") && isPlain($0) })
      damaged += found.problems.count
    }
    #expect(damaged > 0)
  }
}
