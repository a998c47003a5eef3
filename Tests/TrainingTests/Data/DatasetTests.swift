// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Training

@Suite struct DatasetTests {
  @Test func computesMeanAndDeviationOfTheTrainingSplit() {
    let train = ImageSet(
      channels: 2, height: 1, width: 2, classNames: ["a"],
      pixels: [0, 255, 51, 51, 255, 0, 51, 51], labels: [0, 0])
    let test = ImageSet(
      channels: 2, height: 1, width: 2, classNames: ["a"], pixels: [9, 9, 9, 9], labels: [0])
    let data = Dataset(name: "small", train: train, test: test, augmentation: .none)
    #expect(data.mean == [0.5, 0.2])
    #expect(data.deviation == [0.5, 1])
  }

  @Test func cutsAPrefix() throws {
    let set = ImageSet(
      channels: 1, height: 1, width: 2, classNames: ["a", "b"], pixels: [1, 2, 3, 4, 5, 6],
      labels: [0, 1, 0])
    let two = try set.prefix(2)
    #expect(try two.pixels == [1, 2, 3, 4] && two.labels == [0, 1])
    #expect(try set.prefix(9).count == 3)
  }
}
