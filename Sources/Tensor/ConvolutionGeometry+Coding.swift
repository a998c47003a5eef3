// SPDX-License-Identifier: Apache-2.0

extension ConvolutionGeometry: Codable {
  private enum CodingKeys: String, CodingKey {
    case input, filters, rows, columns, stride, paddingRows, paddingColumns, groups
    case strides, dilations, paddings
  }

  /// Reads the sizes and checks that they fit together.
  ///
  /// A uniform geometry has `stride`, `paddingRows` and `paddingColumns`; another one has `strides`
  /// and `dilations` (vertical, horizontal) and `paddings` (top, left, bottom, right).
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    // Bounds that keep every product of two sizes far from overflow.
    func checked(_ number: Int, _ key: CodingKeys) throws -> Int {
      guard (0...1 << 24).contains(number) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: values, debugDescription: "\(number) is not in 0...\(1 << 24)")
      }
      return number
    }
    func number(_ key: CodingKeys) throws -> Int {
      try checked(values.decode(Int.self, forKey: key), key)
    }
    func numbers(_ key: CodingKeys, count: Int) throws -> [Int] {
      let numbers = try values.decode([Int].self, forKey: key)
      guard numbers.count == count else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: values,
          debugDescription: "\(numbers.count) numbers where there are \(count)")
      }
      return try numbers.map { try checked($0, key) }
    }
    var (strides, dilations, paddings) = ([1, 1], [1, 1], [0, 0, 0, 0])
    if values.contains(.strides) {
      strides = try numbers(.strides, count: 2)
      dilations = try numbers(.dilations, count: 2)
      paddings = try numbers(.paddings, count: 4)
    } else {
      strides = Array(repeating: try number(.stride), count: 2)
      let (rows, columns) = (try number(.paddingRows), try number(.paddingColumns))
      paddings = [rows, columns, rows, columns]
    }
    let geometry = ConvolutionGeometry(
      input: try values.decode(MapShape.self, forKey: .input), filters: try number(.filters),
      vertical: WindowAxis(
        kernel: try number(.rows), stride: strides[0], dilation: dilations[0],
        paddingBefore: paddings[0], paddingAfter: paddings[2]),
      horizontal: WindowAxis(
        kernel: try number(.columns), stride: strides[1], dilation: dilations[1],
        paddingBefore: paddings[1], paddingAfter: paddings[3]),
      groups: try number(.groups))
    guard let geometry else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "the sizes of a convolution do not fit together: the padded map must "
            + "hold the kernel, and groups must divide channels and filters"))
    }
    self = geometry
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(input, forKey: .input)
    try values.encode(filters, forKey: .filters)
    try values.encode(rows, forKey: .rows)
    try values.encode(columns, forKey: .columns)
    try values.encode(groups, forKey: .groups)
    if isUniform {
      try values.encode(stride, forKey: .stride)
      try values.encode(paddingRows, forKey: .paddingRows)
      try values.encode(paddingColumns, forKey: .paddingColumns)
    } else {
      let axes = [vertical, horizontal]
      try values.encode(axes.map(\.stride), forKey: .strides)
      try values.encode(axes.map(\.dilation), forKey: .dilations)
      try values.encode(
        axes.map(\.paddingBefore) + axes.map(\.paddingAfter), forKey: .paddings)
    }
  }
}
