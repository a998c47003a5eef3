// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The program when its output cannot be read, or it is ended.
@Suite("Standard streams and signals", .serialized) struct StreamTests {
  /// A folder with a small data set in `data`.
  private func folder() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/swpu-streams-\(UUID())"
    try FileManager.default.createDirectory(
      atPath: path + "/data", withIntermediateDirectories: true)
    for (split, count) in [("train", 64), ("t10k", 8)] {
      let sides: [UInt8] = [0, 0, 0, UInt8(count)]
      let pixels = (0..<count * 28 * 28).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      try Data([0, 0, 8, 3] + sides + [0, 0, 0, 28, 0, 0, 0, 28] + pixels)
        .write(to: URL(fileURLWithPath: path + "/data/\(split)-images-idx3-ubyte"))
      try Data([0, 0, 8, 1] + sides + (0..<count).map { UInt8($0 % 4) })
        .write(to: URL(fileURLWithPath: path + "/data/\(split)-labels-idx1-ubyte"))
    }
    return path
  }

  /// Runs a line of a shell in which `swpu` is the program; status, output, errors.
  private func shell(_ line: String, in folder: String) throws
    -> (status: Int32, output: String, errors: String)
  {
    let process = Process()
    let (output, errors) = (folder + "/.output", folder + "/.errors")
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "swpu() { \"\(Program.url.path)\" \"$@\"; }\n" + line]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try process.run()
    process.waitUntilExit()
    return (
      process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8),
      try String(contentsOfFile: errors, encoding: .utf8)
    )
  }

  private let tiny =
    "train --model lenet5 --width 0.25 --data idx --data-path data --epochs 1 --threads 1"

  @Test(
    "a command whose output was lost ends with another status than 0, and does not crash",
    arguments: [
      "swpu hardware > /dev/full", "swpu hardware --json > /dev/full", "swpu hardware >&-",
      "swpu data list --json >&-", "swpu --help > /dev/full", "swpu train --help >&-",
      "swpu hardware --json 2>&- >&-", "swpu hardware 2>/dev/full >/dev/full",
      "swpu simulate --model lenet5 --pass forward 2>/dev/full >/dev/null",
      "(sleep 1; swpu hardware --json; echo $? >status) | true; exit $(cat status)",
    ])
  func lostOutput(line: String) throws {
    guard access("/dev/full", F_OK) == 0 else { return }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try shell(line, in: folder)
    #expect(result.status == 1, "\(result)")
    #expect(!result.errors.contains("rash"), "\(result.errors)")
  }

  @Test(
    "a run whose output nobody reads is complete",
    arguments: [">&- 2>&-", "<&- >&- 2>&-", "2>&-", "> /dev/full 2> /dev/full", "| true"])
  func unreadTraining(streams: String) throws {
    guard access("/dev/full", F_OK) == 0 else { return }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try shell("swpu \(tiny) --output run \(streams)", in: folder)
    let lines = try String(contentsOfFile: folder + "/run/metrics.jsonl", encoding: .utf8)
      .split(separator: "\n")
    #expect(!lines.isEmpty)
    for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    // It has ended, by its own summary.
    let again = try shell("swpu train --resume run --json", in: folder)
    #expect(again.status == 0 && again.errors.contains("has ended"), "\(again.errors)")
    _ = try JSONSerialization.jsonObject(with: Data(again.output.utf8))
  }

  @Test("resuming a run that has ended changes nothing")
  func endedRun() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try shell("swpu \(tiny) --output run", in: folder).status == 0)
    let look =
      "cd run && find . -type f -printf '%p %i %T@ %s\\n' | sort && md5sum $(find . -type f)"
    let before = try shell(look, in: folder).output
    #expect(try shell("swpu train --resume run", in: folder).status == 0)
    #expect(try shell(look, in: folder).output == before)
  }

  @Test(
    "a hang-up saves as a request to terminate does; under nohup it is none",
    arguments: ["HUP", "TERM"])
  func hangUp(signal: String) throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let long = tiny.replacing("--epochs 1", with: "--epochs 500")
    let line = """
      swpu \(long) --output run & program=$!
      while [ ! -e run/config.yaml ]; do sleep 0.05; done
      sleep 0.5
      # The function's shell hands no signal down.
      kill -\(signal) $(pgrep -P $program || echo $program)
      wait $program
      """
    let result = try shell(line, in: folder)
    #expect(result.errors.contains("saved") && result.errors.contains("--resume run"), "\(result)")
  }

  @Test("concurrent training runs have a folder each")
  func atOnce() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try shell(
      "for i in 1 2 3; do swpu \(tiny) & done; wait; ls runs; ls runs/*/summary.json | wc -l",
      in: folder)
    let name = "lenet5-sub-structured-seed1"
    #expect(result.output.hasSuffix("\(name)\n\(name)-2\n\(name)-3\n3\n"), "\(result)")
  }

  @Test("a run and its dense twin that were stopped go on to the same bits")
  func denseTwin() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let pair = tiny.replacing("--epochs 1", with: "--epochs 12") + " --against-dense"
    let result = try shell(
      """
      swpu \(pair) --output whole >/dev/null || exit 1
      # Stopped in the run itself, then in its twin.
      "\(Program.url.path)" \(pair) --output run >first.txt 2>&1 & first=$!
      until [ -s run/metrics.jsonl ]; do sleep 0.02; done
      kill -TERM $first; wait $first; [ $? = 130 ] || exit 2
      grep -q -- '--resume run --against-dense' first.txt || exit 3
      [ ! -e run-dense ] || exit 4
      "\(Program.url.path)" train --resume run --against-dense >second.txt 2>&1 & second=$!
      until [ -s run-dense/metrics.jsonl ]; do sleep 0.02; done
      kill -TERM $second; wait $second; [ $? = 130 ] || exit 5
      grep -q 'the dense twin' second.txt && grep -q -- '--resume run --against-dense' second.txt || exit 6
      swpu train --resume run --against-dense --json >end.json || exit 7
      for kind in "" -dense; do
        for part in checkpoints masks; do diff -r whole$kind/$part run$kind/$part || exit 8; done
      done
      swpu train --resume run --against-dense 2>&1 >/dev/null | grep -q 'has ended' || exit 9
      # A twin may come later; somebody else's folder in its place is said before anything is done.
      swpu \(tiny) --output late >/dev/null || exit 10
      mkdir late-dense; echo mine >late-dense/summary.json
      find late late-dense -type f -exec md5sum {} + | sort >before.txt
      swpu train --resume late --against-dense 2>late.txt && exit 11
      grep -q "late-dense.*holds 'summary.json'" late.txt || exit 12
      find late late-dense -type f -exec md5sum {} + | sort | cmp - before.txt || exit 13
      rm -r late-dense; swpu train --resume late --against-dense --json >late.json || exit 14
      """, in: folder)
    #expect(result.status == 0, "\(result)")
    struct Summary: Decodable {
      struct Twin: Decodable { let testAccuracy: Double, epochSeconds: [Double] }
      let epochs: Int
      let epochSeconds: [Double]
      let dense: Twin
    }
    func summary(_ name: String) throws -> Summary {
      try JSONDecoder().decode(
        Summary.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }
    let (whole, resumed) = (try summary("whole/summary.json"), try summary("end.json"))
    #expect(resumed.dense.testAccuracy == whole.dense.testAccuracy)
    #expect(resumed.dense.epochSeconds.count == 12 && resumed.epochSeconds.count == 12)
    #expect(try summary("late.json").dense.epochSeconds.count == 1)
  }

  @Test("the data of a run are found from any folder")
  func anyFolder() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try shell(
      """
      swpu train --model mlp --width 0.1 --data idx --data-path data --epochs 1 --output run &&
      mkdir elsewhere && cd elsewhere && swpu evaluate ../run &&
      swpu train --resume ../run --epochs 2 &&
      ! swpu evaluate ../run --data synthetic
      """, in: folder)
    #expect(result.errors.contains("the run was trained on 1@28x28"), "\(result.errors)")
    #expect(result.status == 0 && result.errors.contains("epochs: 2 from here on"), "\(result)")
  }

  @Test("threads that cannot be started are reported, and training runs without them")
  func fewThreads() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let many = tiny.replacing("--threads 1", with: "--threads 1000")
    let result = try shell("ulimit -s 400000 -v 4000000; swpu \(many) --output run", in: folder)
    #expect(result.errors.contains("the system starts no more threads"), "\(result)")
    #expect(result.status == 0, "\(result)")
  }

  @Test("a limit of the size of files is an error like a full disk, and leaves nothing behind")
  func fileLimit() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try shell(
      """
      swpu \(tiny) --output run || exit 9
      ulimit -f 1; default="env --default-signal=XFSZ"
      $default "\(Program.url.path)" export run --format safetensors --output w.safetensors
      """, in: folder)
    #expect(result.status == 1, "\(result)")
    #expect(result.errors.contains("w.safetensors: cannot write"), "\(result)")
    let left = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(!left.contains { $0.contains("safetensors") || $0.contains("tmp") }, "\(left)")
  }

  @Test("outputs go where links and pipes lead, and an interrupted one is not there")
  func outputs() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try shell(
      """
      simulate() { swpu simulate --model lenet5 --pass forward "$@" >/dev/null 2>&1; }
      ln -s table.csv link.csv; ln -s time.json link.json; mkfifo pipe
      simulate --csv link.csv --trace link.json; [ -L link.csv ] && [ -L link.json ] || exit 1
      cat pipe >from-pipe.csv & simulate --csv pipe; wait; [ -p pipe ] || exit 2
      swpu simulate --model lenet5 --pass forward --csv /dev/stdout 2>/dev/null >both.txt
      cmp table.csv from-pipe.csv || exit 3
      cmp -n $(stat -c %s table.csv) table.csv both.txt || exit 4
      grep -q TFLOPS both.txt || exit 5
      simulate --trace /dev/full && exit 6
      simulate --csv none/x.csv && exit 7
      ls -A | grep tmp && exit 8
      python3 -c 'import json; json.load(open("time.json"))'
      """, in: folder)
    #expect(result.status == 0, "\(result)")
  }

  @Test("a fetch that is killed leaves no curl behind")
  func killedFetch() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(count: 5000).write(to: URL(fileURLWithPath: folder + "/train-images-idx3-ubyte.gz"))
    let server = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../TrainingTests/FixtureScripts/range_server.py").standardized.path
    let result = try shell(
      """
      coproc python3 '\(server)' .
      read port <&${COPROC[0]}
      "\(Program.url.path)" data fetch mnist --to here --from http://127.0.0.1:$port/slow/ &
      while ! pgrep -f "curl.*:$port/slow" >/dev/null; do sleep 0.05; done
      kill -9 $!
      for i in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.2; pgrep -f "curl.*:$port/slow" >/dev/null || { echo gone; break; }
      done
      """, in: folder)
    #expect(result.output.hasSuffix("gone\n"), "\(result)")
  }
}
