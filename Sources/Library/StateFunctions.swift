// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Training

/// `swpu_model_state` of swpu.h.
@_cdecl("swpu_model_state")
public func modelState(
  _ model: UInt64, _ bytes: UnsafeMutablePointer<UInt8>?, _ capacity: Int64,
  _ size: UnsafeMutablePointer<Int64>?
) -> Int32 {
  with(model) { box in
    let data = try box.model.state()
    size?.pointee = Int64(data.count)
    guard let bytes else { return }
    guard capacity >= Int64(data.count) else {
      throw LibraryError("capacity: \(capacity) bytes; the state has \(data.count)")
    }
    data.copyBytes(to: bytes, count: data.count)
  }
}

/// `swpu_model_restore` of swpu.h.
@_cdecl("swpu_model_restore")
public func modelRestore(_ model: UInt64, _ bytes: UnsafePointer<UInt8>?, _ size: Int64) -> Int32 {
  with(model) { box in
    let bytes = try required(bytes, "bytes")
    guard size > 0 else { throw LibraryError("size: \(size) is not at least 1") }
    try box.model.restore(state: Data(bytes: bytes, count: Int(size)))
    box.pass = nil
    box.exportParameters()
  }
}

/// `swpu_model_simulate` of swpu.h.
@_cdecl("swpu_model_simulate")
public func modelSimulate(
  _ model: UInt64, _ hardware: UnsafePointer<CChar>?, _ batch: Int32,
  _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  with(model) { box in
    let result = try required(json, "json")
    let name = try text(hardware, "hardware")
    guard let description = HardwareDescription.presets.first(where: { $0.name == name }) else {
      let names = HardwareDescription.presets.map(\.name).joined(separator: ", ")
      throw LibraryError("hardware '\(name)' is unknown; there are \(names)")
    }
    guard batch > 0 else { throw LibraryError("batch: \(batch) is not at least 1") }
    let workload = try box.model.workload(batch: Int(batch))
    let step = try Simulator(description).step(workload)
    result.pointee = strdup(String(decoding: try JSONEncoder().encode(step), as: UTF8.self))
  }
}

/// `swpu_string_free` of swpu.h.
@_cdecl("swpu_string_free")
public func stringFree(_ text: UnsafeMutablePointer<CChar>?) { free(text) }
