// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Memories by size and width: a full grid, between whose points the logarithms are interpolated.
public struct SRAMTable: Codable, Hashable, Sendable {
  /// One memory.
  public struct Point: Codable, Hashable, Sendable {
    /// Bytes that it holds.
    public var bytes: Int
    /// Bits of an access.
    public var widthBits: Int
    /// Energy of reading a whole word.
    public var readPicojoules: Double
    /// Energy of writing a whole word.
    public var writePicojoules: Double
    /// Leakage of all of it.
    public var leakageMilliwatts: Double
    /// Area.
    public var squareMillimetres: Double

    enum CodingKeys: String, CodingKey, CaseIterable {
      case bytes
      case widthBits = "width-bits"
      case readPicojoules = "read-picojoules"
      case writePicojoules = "write-picojoules"
      case leakageMilliwatts = "leakage-milliwatts"
      case squareMillimetres = "square-millimetres"
    }
  }

  /// The kind of evidence for the points.
  public var kind: EnergyTable.Kind
  /// Where they come from.
  public var source: String
  /// Volts that energies and leakage hold at.
  public var volts: Double
  /// The grid: every width for every size.
  public var points: [Point]

  enum CodingKeys: String, CodingKey, CaseIterable { case kind, source, volts, points }

  /// Why the points are no grid; nil if they are one.
  var problem: String? {
    if points.isEmpty { return "no points" }
    if let bad = points.first(where: { point in
      let values = [
        Double(point.bytes), Double(point.widthBits), point.readPicojoules, point.writePicojoules,
        point.leakageMilliwatts, point.squareMillimetres,
      ]
      return values.contains { !($0 > 0 && $0 < .infinity) }
    }) {
      return "the point of \(bad.bytes) bytes and \(bad.widthBits) bits holds a value that is not "
        + "positive"
    }
    let places = Set(points.map { [$0.bytes, $0.widthBits] })
    if places.count != points.count { return "two points of the same size and width" }
    return places.count == sizes.count * widths.count
      ? nil : "not a grid: every width must be there for every size"
  }

  private var sizes: [Int] { Set(points.map(\.bytes)).sorted() }
  private var widths: [Int] { Set(points.map(\.widthBits)).sorted() }

  /// A memory of any size and width.
  ///
  /// Wider than the grid it is several memories side by side, larger than the grid several banks of
  /// which one is accessed; narrower or smaller it costs an access of the least point, and area and
  /// leakage in proportion.
  func memory(bytes: Double, widthBits: Int) -> Point {
    precondition(bytes > 0 && widthBits > 0, "a memory holds something")
    let (sizes, widths) = (self.sizes, self.widths)
    let beside = ceilingDivision(widthBits, widths[widths.count - 1])
    let width = max(Double(widthBits) / Double(beside), Double(widths[0]))
    let wanted = bytes / Double(beside)
    let banks = (wanted / Double(sizes[sizes.count - 1])).rounded(.up)
    let size = max(wanted / banks, Double(sizes[0]))
    // Copies that static costs count; less than one for what is smaller than the grid.
    let copies = Double(beside) * wanted / size
    let (low, high, along) = Self.place(size, sizes)
    let (narrow, wide, across) = Self.place(width, widths)
    var grid: [[Int]: Point] = [:]
    for point in points { grid[[point.bytes, point.widthBits]] = point }
    func interpolated(_ value: KeyPath<Point, Double>) -> Double {
      func logarithm(_ bytes: Int, _ width: Int) -> Double {
        guard let point = grid[[bytes, width]] else {
          preconditionFailure("the points are a grid")
        }
        return log2(point[keyPath: value])
      }
      func atWidth(_ width: Int) -> Double {
        (1 - along) * logarithm(low, width) + along * logarithm(high, width)
      }
      return exp2((1 - across) * atWidth(narrow) + across * atWidth(wide))
    }
    return Point(
      bytes: Int(bytes), widthBits: widthBits,
      readPicojoules: interpolated(\.readPicojoules) * Double(beside),
      writePicojoules: interpolated(\.writePicojoules) * Double(beside),
      leakageMilliwatts: interpolated(\.leakageMilliwatts) * copies,
      squareMillimetres: interpolated(\.squareMillimetres) * copies)
  }

  /// The grid values around a value, and how far it is from the first to the second, by logarithm.
  private static func place(_ value: Double, _ grid: [Int]) -> (Int, Int, Double) {
    let above = grid.firstIndex { Double($0) >= value } ?? grid.count - 1
    let below = Double(grid[above]) == value ? above : max(0, above - 1)
    if above == below { return (grid[below], grid[above], 0) }
    let (low, high) = (Double(grid[below]), Double(grid[above]))
    return (grid[below], grid[above], log2(value / low) / log2(high / low))
  }

  /// CACTI's memories of low standby power for 28 nm.
  public static let standard = SRAMTable(
    kind: .cacti,
    source: "CACTI 7.0, 28 nm interpolated between its 32 and 22 nm tables, 300 K: plain RAM, one "
      + "read-write port, LSTP cells at 0.92 V, LOP periphery at 0.6 V, fewest picojoules. Energies "
      + "are taken to hold at the periphery's voltage, which charges the cells' part too much above",
    volts: 0.6,
    points: cacti.map {
      Point(
        bytes: $0.0, widthBits: $0.1, readPicojoules: $0.2, writePicojoules: $0.3,
        leakageMilliwatts: $0.4, squareMillimetres: $0.5)
    })

  private static let cacti: [(Int, Int, Double, Double, Double, Double)] = [
    (4096, 64, 1.003, 2.215, 0.04073, 0.005225),
    (4096, 128, 1.178, 4.266, 0.04107, 0.005521),
    (4096, 256, 2.15, 5.228, 0.03403, 0.007441),
    (4096, 512, 5.539, 8.597, 0.03243, 0.01472),
    (8192, 64, 1.534, 1.798, 0.06376, 0.01356),
    (8192, 128, 2.202, 4.627, 0.06173, 0.01071),
    (8192, 256, 2.799, 8.975, 0.06329, 0.0119),
    (8192, 512, 6.207, 12.36, 0.05183, 0.01901),
    (16384, 64, 2.076, 2.339, 0.1275, 0.02945),
    (16384, 128, 3.133, 5.558, 0.1235, 0.02906),
    (16384, 256, 5.333, 10.18, 0.08526, 0.02291),
    (16384, 512, 7.508, 19.86, 0.09085, 0.02758),
    (32768, 64, 3.198, 3.747, 0.2446, 0.0473),
    (32768, 128, 4.767, 7.192, 0.2469, 0.05639),
    (32768, 256, 6.577, 18.95, 0.2393, 0.05186),
    (32768, 512, 10.16, 34.9, 0.1667, 0.04466),
    (65536, 64, 4.274, 4.823, 0.4892, 0.09985),
    (65536, 128, 7.114, 8.211, 0.3307, 0.1063),
    (65536, 256, 11.46, 21.2, 0.3223, 0.109),
    (65536, 512, 19.79, 39.27, 0.1761, 0.08585),
    (131072, 64, 5.897, 6.445, 0.9784, 0.191),
    (131072, 128, 9.946, 9.122, 0.3778, 0.222),
    (131072, 256, 16.75, 18.95, 0.3606, 0.2277),
    (131072, 512, 27.63, 47.11, 0.3523, 0.2358),
    (262144, 64, 8.01, 8.558, 1.957, 0.3864),
    (262144, 128, 13.63, 18.5, 1.89, 0.3959),
    (262144, 256, 26.26, 30.74, 0.6653, 0.3964),
    (262144, 512, 43.61, 82.65, 0.6564, 0.4157),
  ]
}
