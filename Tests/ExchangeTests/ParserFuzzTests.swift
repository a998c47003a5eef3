// SPDX-License-Identifier: Apache-2.0
import HostileFiles
import Files
import Foundation
import Masks
import Tensor
import Testing

@testable import Exchange

/// Feeds every parser files that were mutated from a seed: some thousands in each test run, and as many
/// as fit into `SWPU_FUZZ_SECONDS` where it is set (`SWPU_FUZZ_SEED` then starts elsewhere, and
/// `SWPU_FUZZ_PARSER` picks one). The input of a crash is left in `swpu-fuzz-input` in the folder for
/// temporary files.
@Suite("Mutated files")
struct ParserFuzzTests {
  private struct Parser {
    let name: String
    let seeds: [Data]
    let read: (Data) throws(InputError) -> Void
  }

  private func parsers() throws -> [Parser] {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 3, height: 8, width: 8), filters: 4, rows: 3, columns: 3))
    let network = NetworkDescription(
      name: "n", batch: 1,
      convolutions: [
        NetworkDescription.Convolution(
          name: "conv1", geometry: geometry, needsInputGradient: false, prunable: true)
      ], vectorLayers: [])
    let masks = FileManager.default.temporaryDirectory
      .appendingPathComponent("swpu-fuzz-\(UUID()).npz")
    return [
      Parser(name: "safetensors", seeds: [try corpus("python.safetensors")]) {
        data throws(InputError) in
        let file = try SafetensorsFile(data, file: "test")
        for entry in file.entries where entry.type.contains("F") {
          guard let array = try? file.array(entry) else { continue }
          // No more values than bytes.
          #expect(array.values.count <= data.count)
        }
      },
      Parser(
        name: "npy", seeds: [try corpus("fortran.npy"), try corpus("version2.npy")]
      ) { data throws(InputError) in
        let array = try NumPyArray([UInt8](data)[...], file: "test", name: nil)
        #expect(array.count <= data.count)
        _ = array.nonZero
      },
      Parser(
        name: "npz", seeds: [try corpus("stored.npz"), try corpus("deflated.npz")]
      ) { data throws(InputError) in
        let archive = try NumPyArchive(data, file: "test")
        for name in archive.names {
          #expect(try archive.array(name).count <= 1033 * data.count)
        }
      },
      Parser(
        name: "masks",
        seeds: [NumPyArray(Bits(count: 108) { $0 % 3 == 0 }, shape: [4, 3, 3, 3]).encoded()]
      ) { data throws(InputError) in
        // The archive is whole, so that its checksum does not hide the array.
        let archive = ZipFile.encoded([("conv1.weight.npy", data)])
        do { try archive.write(to: masks) } catch { return }
        defer { try? FileManager.default.removeItem(at: masks) }
        do throws(InputError) {
          _ = try MaskSnapshot.reading(numPy: masks.path, network: network)
        } catch {
          throw InputError(
            file: "test", field: error.field, value: error.value, allowed: error.allowed)
        }
      },
      Parser(
        name: "topology",
        seeds: [
          Data(
            """
            Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
            Conv1, 224, 224, 7, 7, 3, 64, 2,
            DP_1, 58, 58, 3, 3, 64, 1, 1,
            FC, 1, 1, 1, 1, 512, 1000, 1,
            """.utf8), Data("Layer,M,N,K,\nup,128,768,512,\n".utf8),
        ]
      ) { data throws(InputError) in
        let file = try TopologyFile(data, file: "test")
        #expect(file.network.convolutions.count <= data.count)
      },
      Parser(
        name: "onnx",
        seeds: [
          try corpus("torch.onnx"), try corpus("dynamo.onnx"),
          ONNXGraphTests.small().encoded(producer: ("test", "1")),
        ]
      ) { data throws(InputError) in
        let network = try ONNXNetwork(ONNXGraph(data, file: "test"), file: "test")
        #expect(network.network.convolutions.count <= data.count)
        // Expressions may make more weights than the file has bytes, but not without bounds.
        for layer in try network.masks().layers {
          #expect(layer.mask.shape.count <= 1 << 26 + 64 * data.count)
        }
      },
      Parser(name: "deflate", seeds: [try corpus("fixed.deflate"), try corpus("plain.deflate")]) {
        data throws(InputError) in
        do throws(Inflate.Fault) {
          _ = try Inflate.bytes([UInt8](data)[...], count: 607)
        } catch {
          throw InputError(file: "test", field: "data", value: error.found, allowed: "")
        }
      },
    ]
  }

  @Test("A mutated file is read or refused with its name and a field")
  func mutations() throws {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["SWPU_FUZZ_SECONDS"].flatMap(Double.init)
    let firstSeed = environment["SWPU_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    let end = Date(timeIntervalSinceNow: seconds ?? 0)
    let inputFile = FileManager.default.temporaryDirectory.appendingPathComponent("swpu-fuzz-input")
    let only = environment["SWPU_FUZZ_PARSER"]
    let parsers = try parsers().filter { only == nil || $0.name == only }
    try #require(!parsers.isEmpty, "no parser '\(only ?? "")'")
    var counts = [String: (accepted: Int, refused: Int)]()
    var seed = firstSeed
    repeat {
      for parser in parsers {
        var random = SeededRandom(seed: seed)
        for original in parser.seeds {
          for _ in 0..<100 {
            let data = Data(mutated([UInt8](original), &random))
            if seconds != nil { try data.write(to: inputFile) }
            do {
              try parser.read(data)
              counts[parser.name, default: (0, 0)].accepted += 1
            } catch {
              counts[parser.name, default: (0, 0)].refused += 1
              #expect(
                error.file == "test" && !error.field.isEmpty, "\(parser.name), seed \(seed)")
            }
          }
        }
      }
      seed += 1
    } while seconds == nil ? seed < firstSeed + 3 : Date() < end
    for parser in parsers {
      let (accepted, refused) = counts[parser.name] ?? (0, 0)
      if seconds != nil {
        print("\(parser.name): \(accepted) read, \(refused) refused, seeds \(firstSeed)..<\(seed)")
      }
      #expect(refused > 0 && accepted + refused >= 300, "\(parser.name)")
    }
    try? FileManager.default.removeItem(at: inputFile)
  }
}
