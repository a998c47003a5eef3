// SPDX-License-Identifier: Apache-2.0
import Files
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

  /// Endings of files that other programs write and this one does not read, and what does.
  private static let foreign: [String: String] = {
    let torch =
      "in PyTorch, safetensors.torch.save_file(model.state_dict(), \"model.safetensors\") or "
      + "torch.onnx.export(model, images, \"model.onnx\") writes one"
    let masks =
      "masks go behind --masks, with --model or a file of these kinds unless they are ResNet-18's"
    let onnx = "convert it to ONNX"
    return [
      "pt": torch, "pth": torch, "bin": torch, "ckpt": torch, "tar": torch, "pkl": torch,
      "pickle": torch, "mar": torch, "npz": masks, "npy": masks, "masks": masks,
      "h5": onnx, "hdf5": onnx, "keras": onnx, "pb": onnx, "tflite": onnx, "mlmodel": onnx,
      "caffemodel": onnx, "prototxt": onnx, "pdmodel": onnx, "engine": onnx, "msgpack": onnx,
      "gguf": onnx, "ggml": onnx,
    ]
  }()

  /// Refuses a file of a kind that is not read.
  ///
  /// - Throws: `InputError` that names the supported kinds, and how to convert.
  static func check(_ path: String?) throws(InputError) {
    guard let path, case .run = NetworkSource(path), !isFolder(path) else { return }
    let name = path.lowercased()
    let file = URL(fileURLWithPath: name.hasSuffix(".masks.gz") ? String(name.dropLast(3)) : name)
    let ending = file.pathExtension
    let advice = foreign[ending]
    guard advice != nil || FileManager.default.fileExists(atPath: path) else { return }
    throw InputError(
      file: path, field: "kind of file",
      value: ending.isEmpty ? "a file without an ending" : "." + ending,
      allowed: "weights (.safetensors), networks (.onnx), topologies of SCALE-Sim (.csv), and "
        + "folders of runs" + (advice.map { "; \($0)" } ?? ""))
  }

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
