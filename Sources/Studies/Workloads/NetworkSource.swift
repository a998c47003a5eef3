// SPDX-License-Identifier: Apache-2.0
import Foundation
import Training

/// Where a network to simulate comes from: each kind of file is one case here.
public enum NetworkSource: Sendable {
  /// The folder of a run.
  case run(RunFolder)
  /// Weights for a network of the engine.
  case safetensors(String)
  /// A network of another program, with weights.
  case onnx(String)
  /// A topology of SCALE-Sim.
  case topology(String)
  /// Nothing: a network of the engine.
  case model

  /// The source of a path, by its ending; without one, a network of the engine.
  public init(_ path: String?) {
    guard let path else {
      self = .model
      return
    }
    self =
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "safetensors": .safetensors(path)
      case "onnx": .onnx(path)
      case "csv": .topology(path)
      default: .run(RunFolder(URL(fileURLWithPath: path)))
      }
  }
}
