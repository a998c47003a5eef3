// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Downloads a file of known size from a web server with the program `curl`; an interrupted download
/// is resumed.
struct Download {
  let address: String
  /// Where the bytes go.
  let file: String
  /// The bytes of the whole file.
  let size: Int
  /// The official page of the data set, for errors.
  let home: String
  var curl = "curl"
  /// The most tries of a download that is repeatedly cut off.
  var mostTries = 8
  /// The pause before the second try; each later one is twice as long, up to 32 times.
  var firstPause = Duration.seconds(1)

  /// The bytes that are there already.
  var bytesHere: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Downloads the missing bytes in at most `mostTries` tries with increasing pauses between them.
  ///
  /// - Parameters:
  ///   - shouldStop: asked ten times per second; true ends the download, which the next one resumes.
  ///   - progress: called on this thread with the bytes that are there.
  /// - Returns: whether the file has all its bytes; false when it was stopped.
  func run(shouldStop: () -> Bool, progress: (Int) -> Void) throws(DatasetError) -> Bool {
    if bytesHere > size { removeFile() }
    var tries = 0
    while bytesHere < size {
      let before = bytesHere
      if tries > 0, !pause(before: tries, shouldStop: shouldStop) { return false }
      tries += 1
      let (status, message) = try runCurl(shouldStop: shouldStop, progress: progress)
      if shouldStop() { return false }
      let after = bytesHere
      if after > size {
        removeFile()
        throw failure("more than \(grouped(size)) bytes")
      }
      if status == 0 && after < size {
        removeFile()
        // What was here may have been of another file; alone, the server's file is too short.
        if before == 0 { throw failure("\(grouped(after)) bytes and no more") }
      } else if (status == 33 || message.contains("416")) && before > 0 {
        // The server cannot resume in the middle, or the local part is longer than its file.
        removeFile()
      } else if status != 0 && after <= before {
        throw failure(
          status == 127 ? "no program \(curl) on the search path" : message, program: status == 127)
      }
      if after < size && tries == mostTries {
        throw failure(
          "\(grouped(after)) bytes, after \(tries) tries that were cut off (\(message)); the same "
            + "command resumes it")
      }
    }
    progress(size)
    return true
  }

  /// Waits before another try; false when `shouldStop` ended it.
  private func pause(before tries: Int, shouldStop: () -> Bool) -> Bool {
    let end = ContinuousClock.now + firstPause * Double(1 << min(tries - 1, 5))
    while ContinuousClock.now < end {
      if shouldStop() { return false }
      usleep(100_000)
    }
    return !shouldStop()
  }

  /// Runs curl so that it ends with this program even if that is killed; empty on systems without such
  /// a program, where curl then ends with its download.
  private static let leash: [String] =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : []

  private func runCurl(shouldStop: () -> Bool, progress: (Int) -> Void) throws(DatasetError)
    -> (status: Int32, message: String)
  {
    let (process, errors) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      Self.leash + [
        curl, "--fail", "--silent", "--show-error", "--no-buffer", "--location", "--globoff",
        "--proto", "=http,https", "--connect-timeout", "30", "--speed-limit", "1000",
        "--speed-time", "60", "--continue-at", "-", "--output", file, "--url", address,
      ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    do { try process.run() } catch { throw failure(plainReason(error), program: true) }
    while process.isRunning {
      // Killed, since it may have inherited that other signals are blocked; it keeps nothing back.
      if shouldStop() || bytesHere > size { kill(process.processIdentifier, SIGKILL) }
      progress(min(bytesHere, size))
      usleep(100_000)
    }
    process.waitUntilExit()
    let said = (try? errors.fileHandleForReading.readToEnd()) ?? nil
    let message = String(decoding: said ?? Data(), as: UTF8.self)
    return (process.terminationStatus, message.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private func removeFile() { try? FileManager.default.removeItem(atPath: file) }

  private func failure(_ found: String, program: Bool = false) -> DatasetError {
    DatasetError(
      fault: .failedDownload, file: address, found: found,
      expected: program ? "the program curl" : "a file of \(grouped(size)) bytes", home: home)
  }
}
