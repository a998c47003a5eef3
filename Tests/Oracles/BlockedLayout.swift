// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The layout of activations defined once more, value by value: `[blocks][channels][pixels][lanes]`, each
/// lane an image, or one tile of an image that is cut into `rows` x `columns` of them.
public struct BlockedLayout {
  let map: MapShape
  let images, lanes, rows, columns: Int

  /// The layout of a batch of images of `map`; whole images unless tiles are given.
  public init(_ map: MapShape, images: Int, lanes: Int, rows: Int = 1, columns: Int = 1) {
    self.map = map
    self.images = images
    self.lanes = lanes
    self.rows = rows
    self.columns = columns
  }

  private var tiles: Int { rows * columns }
  private var blocks: Int { (images * tiles + lanes - 1) / lanes }

  /// Values, those of lanes without an image included.
  public var count: Int { blocks * lanes * map.count / tiles }

  /// Plain images `[image][channel][row][column]` in the layout, `padding` where there is no image.
  public func blocked(_ plain: [Float], padding: () -> Float) -> [Float] {
    (0..<count).map { place in
      let value = plainPlace(place)
      return value < plain.count ? plain[value] : padding()
    }
  }

  /// The images of the batch.
  public func plain(_ blocked: [Float]) -> [Float] {
    var plain = [Float](repeating: 0, count: images * map.count)
    for place in 0..<count {
      let value = plainPlace(place)
      if value < plain.count { plain[value] = blocked[place] }
    }
    return plain
  }

  /// The index among plain images of the value at a place of the layout; behind them for padding.
  private func plainPlace(_ place: Int) -> Int {
    let (height, width) = (map.height / rows, map.width / columns)
    let pixel = place / lanes % (height * width)
    let plane = place / lanes / (height * width)
    let (block, channel) = plane.quotientAndRemainder(dividingBy: map.channels)
    let (image, tile) = (block * lanes + place % lanes).quotientAndRemainder(dividingBy: tiles)
    let row = tile / columns * height + pixel / width
    let column = tile % columns * width + pixel % width
    return ((image * map.channels + channel) * map.height + row) * map.width + column
  }
}
