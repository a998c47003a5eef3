// SPDX-License-Identifier: Apache-2.0
/// The log shifter in front of a row's multipliers (T3): packs the operand vectors that the row needs
/// of a window to the front, and brings packed results back to their places.
///
/// The vector of lane i moves down by the number z of unneeded lanes below it: by 1 in stage 0 if bit
/// 0 of z is set, by 2 in stage 1 if bit 1 is set, and so on. With the least significant bit first no
/// two vectors ever meet (with the most significant first they do). The settings of the switches are
/// all that has to be kept for the way back, which drives the stages in the opposite order.
public struct CompressNetwork: Hashable, Sendable {
  /// Lanes E, a power of two up to 64.
  public let lanes: Int

  /// A network.
  public init(lanes: Int) {
    precondition(
      (1...64).contains(lanes) && lanes.nonzeroBitCount == 1,
      "a network of \(lanes) lanes; a power of two up to 64 is allowed")
    self.lanes = lanes
  }

  /// Stages: log2(E).
  public var stages: Int { lanes.trailingZeroBitCount }

  /// The settings of the switches for one window.
  public struct Settings: Hashable, Sendable {
    /// Lanes that hold a needed vector before stage 0, before stage 1, …, behind the last stage.
    public internal(set) var occupied: [UInt64]
    /// Lanes whose vector stage k moves down by 2^k.
    public internal(set) var moving: [UInt64]

    /// Switches that move a vector. All others are disconnected: their vector does not move, or they
    /// carry none.
    public var moves: Int { moving.reduce(0) { $0 + $1.nonzeroBitCount } }
    /// Vectors that are packed.
    public var needed: Int { occupied[0].nonzeroBitCount }
  }

  /// The switches that pack the lanes of a mask to the front.
  public func settings(needed mask: UInt64) -> Settings {
    precondition(lanes == 64 || mask >> UInt64(lanes) == 0, "a mask of \(lanes) lanes")
    var settings = Settings(
      occupied: [UInt64](repeating: 0, count: stages + 1),
      moving: [UInt64](repeating: 0, count: stages))
    settings.occupied[0] = mask
    var rest = mask
    var below = 0
    while rest != 0 {
      var lane = rest.trailingZeroBitCount
      rest &= rest - 1
      let distance = lane - below
      below += 1
      for stage in 0..<stages {
        if distance >> stage & 1 != 0 {
          settings.moving[stage] |= 1 << UInt64(lane)
          lane -= 1 << stage
        }
        let place: UInt64 = 1 << UInt64(lane)
        precondition(settings.occupied[stage + 1] & place == 0, "two vectors meet")
        settings.occupied[stage + 1] |= place
      }
    }
    return settings
  }

  /// What leaves a stage on the way down. Lanes that are not occupied hold nothing.
  public func down<Element>(
    _ stage: Int, _ values: [Element?], _ settings: Settings
  ) -> [Element?] {
    var result = [Element?](repeating: nil, count: lanes)
    var rest = settings.occupied[stage]
    while rest != 0 {
      let lane = rest.trailingZeroBitCount
      rest &= rest - 1
      let moves = settings.moving[stage] >> UInt64(lane) & 1 != 0
      result[moves ? lane - 1 << stage : lane] = values[lane]
    }
    return result
  }

  /// What leaves a stage on the way back up.
  public func up<Element>(_ stage: Int, _ values: [Element?], _ settings: Settings) -> [Element?] {
    var result = [Element?](repeating: nil, count: lanes)
    var rest = settings.occupied[stage]
    while rest != 0 {
      let lane = rest.trailingZeroBitCount
      rest &= rest - 1
      let moves = settings.moving[stage] >> UInt64(lane) & 1 != 0
      result[lane] = values[moves ? lane - 1 << stage : lane]
    }
    return result
  }

  /// The needed values at the front, in their order.
  public func compress<Element>(_ values: [Element?], _ settings: Settings) -> [Element?] {
    (0..<stages).reduce(disconnected(values, settings)) { down($1, $0, settings) }
  }

  /// Packed values at the lanes that they were packed from: `expand(compress(x)) = x` where needed.
  public func expand<Element>(_ packed: [Element?], _ settings: Settings) -> [Element?] {
    disconnected((0..<stages).reversed().reduce(packed) { up($1, $0, settings) }, settings)
  }

  private func disconnected<Element>(_ values: [Element?], _ settings: Settings) -> [Element?] {
    precondition(values.count == lanes, "\(values.count) values for \(lanes) lanes")
    return values.indices.map { settings.occupied[0] >> UInt64($0) & 1 != 0 ? values[$0] : nil }
  }
}
