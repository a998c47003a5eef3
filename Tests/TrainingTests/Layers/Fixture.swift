// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A file of `Fixtures`, made by PyTorch (see `FixtureScripts`).
struct Fixture<Case: Decodable>: Decodable {
  let description: String
  let cases: [Case]

  static func read(_ name: String) throws -> [Case] {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures"))
    return try JSONDecoder().decode(Fixture<Case>.self, from: Data(contentsOf: url)).cases
  }
}

/// An array with its sizes.
struct FixtureArray: Decodable {
  let shape: [Int]
  let values: [Float]
}
