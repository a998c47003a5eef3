// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The layout of activations defined once more, value by value: `[blocks][channels][pixels][lanes]`, each
/// lane an image, or one tile of an image that is cut into `rows` x `columns` of them. Behind a plane of a
/// multiple of 256 pixels lies a gap of a 32nd of them.
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

  private var pixels: Int { map.height / rows * (map.width / columns) }
  private var distance: Int { pixels.isMultiple(of: 256) ? pixels + pixels / 32 : pixels }

  /// Values, those of lanes without an image and of gaps included.
  public var count: Int { blocks * map.channels * distance * lanes }
  /// Values of lanes without an image.
  public var unused: Int { (blocks * lanes - images * tiles) * map.channels * pixels }

  /// Plain images `[image][channel][row][column]` in the layout, `padding` where there is no image and in
  /// gaps.
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

  /// The index among plain images of the value at a place of the layout; behind them for padding and gaps.
  private func plainPlace(_ place: Int) -> Int {
    let (height, width) = (map.height / rows, map.width / columns)
    let (plane, pixel) = (place / lanes).quotientAndRemainder(dividingBy: distance)
    if pixel >= pixels { return images * map.count }
    let (block, channel) = plane.quotientAndRemainder(dividingBy: map.channels)
    let (image, tile) = (block * lanes + place % lanes).quotientAndRemainder(dividingBy: tiles)
    let row = tile / columns * height + pixel / width
    let column = tile % columns * width + pixel % width
    return ((image * map.channels + channel) * map.height + row) * map.width + column
  }
}
