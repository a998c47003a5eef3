// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Training

@Suite struct SyntheticImagesTests {
  @Test func sameSeedGivesTheSameBytesForAnyThreads() throws {
    let one = SyntheticImages.dataset(seed: 7, trainCount: 70, testCount: 20, threads: 1)
    let three = SyntheticImages.dataset(seed: 7, trainCount: 70, testCount: 20, threads: 3)
    #expect(try one.train.pixels == three.train.pixels && one.test.pixels == three.test.pixels)
    let other = SyntheticImages.dataset(seed: 8, trainCount: 70, testCount: 20, threads: 1)
    #expect(try one.train.pixels != other.train.pixels)
    #expect(try !one.train.pixels.starts(with: one.test.pixels))
  }

  /// Every machine and every build renders these bytes (FNV-1a of all of them); results published for
  /// a seed hold only as long as they do.
  @Test func theImagesOfASeedStayTheSame() throws {
    let data = SyntheticImages.dataset(seed: 1, trainCount: 40, testCount: 10)
    let sum = try (data.train.pixels + data.test.pixels).reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    #expect(sum == 0xb88b_4530_1997_24d3)
  }

  @Test func aSmallerSplitIsAPrefix() throws {
    let large = SyntheticImages.dataset(seed: 7, trainCount: 30, testCount: 10)
    let small = try DatasetSource.synthetic.load(seed: 7, trainCount: 20, testCount: 10)
    #expect(try large.train.prefix(20).pixels == small.train.pixels)
    #expect(try large.test.pixels == small.test.pixels)
  }

  @Test func classesAreBalanced() {
    var parts: [Double] = []
    let data = SyntheticImages.dataset(seed: 1, trainCount: 100, testCount: 50) { parts.append($0) }
    #expect(parts == parts.sorted() && parts.last == 1)
    for label in UInt16(0)..<10 {
      #expect(data.train.labels.count { $0 == label } == 10)
      #expect(data.test.labels.count { $0 == label } == 5)
    }
    #expect(Set(data.train.classNames).count == 10)
    #expect((data.train.channels, data.train.height, data.train.width) == (3, 32, 32))
  }

  /// The nearest class mean is a linear classifier; colours and places must not reveal the class.
  @Test func aLinearClassifierLearnsLittle() throws {
    let data = SyntheticImages.dataset(seed: 2, trainCount: 200, testCount: 60)
    let size = data.train.imageSize
    let (train, test) = (try data.train.pixels, try data.test.pixels)
    var means = [[Int]](repeating: [Int](repeating: 0, count: size), count: 10)
    for image in 0..<data.train.count {
      let label = Int(data.train.labels[image])
      for (value, byte) in train[image * size..<(image + 1) * size].enumerated() {
        means[label][value] += Int(byte)
      }
    }
    let perClass = data.train.count / 10
    let right = (0..<data.test.count).count { image in
      let pixels = test[image * size..<(image + 1) * size]
      let distances = means.map { mean in
        zip(mean, pixels).reduce(0) { sum, pair in
          let difference = pair.0 - perClass * Int(pair.1)
          return sum + difference * difference
        }
      }
      let nearest = distances.indices.min { distances[$0] < distances[$1] }
      return nearest == Int(data.test.labels[image])
    }
    #expect(Double(right) < 0.6 * Double(data.test.count))
  }
}
