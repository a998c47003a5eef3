/// The masks of a run at one moment, with what the processor model needs to know of each layer.
///
/// File: the 8 bytes `SWPUMASK`, then little endian: version, step, epoch and number of layers; for
/// each layer its fields in the order of `Layer`; FNV-1a-64 of all before.
public struct MaskSnapshot: Sendable, Equatable {
  /// One pruned layer.
  public struct Layer: Sendable, Equatable {
    /// Name of the layer.
    public var name: String
    /// Its weights; channels are those of a group.
    public var shape: FilterShape
    /// Groups of channels.
    public var groups: Int
    /// Step of both axes.
    public var stride: Int
    /// Zeros above and below, left and right.
    public var paddingRows, paddingColumns: Int
    /// The map read.
    public var inputHeight, inputWidth: Int
    /// The map written.
    public var outputHeight, outputWidth: Int
    /// How the layer is pruned.
    public var granularity: Granularity
    /// What is kept.
    public var mask: LayerMask
    /// Share of the activations read that are exactly zero, in the batch of the update; 0 when not
    /// observed.
    public var inputSparsity: Double
    /// Share of the output's gradient that is exactly zero, likewise.
    public var gradientSparsity: Double

    /// A layer of a snapshot.
    public init(
      name: String, shape: FilterShape, groups: Int, stride: Int, paddingRows: Int,
      paddingColumns: Int, inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int,
      granularity: Granularity, mask: LayerMask, inputSparsity: Double, gradientSparsity: Double
    ) {
      self.name = name
      self.shape = shape
      self.groups = groups
      self.stride = stride
      self.paddingRows = paddingRows
      self.paddingColumns = paddingColumns
      self.inputHeight = inputHeight
      self.inputWidth = inputWidth
      self.outputHeight = outputHeight
      self.outputWidth = outputWidth
      self.granularity = granularity
      self.mask = mask
      self.inputSparsity = inputSparsity
      self.gradientSparsity = gradientSparsity
    }
  }

  /// Steps done.
  public var step: Int
  /// Epochs done.
  public var epoch: Int
  /// The pruned layers, in network order.
  public var layers: [Layer]

  /// A snapshot.
  public init(step: Int, epoch: Int, layers: [Layer]) {
    self.step = step
    self.epoch = epoch
    self.layers = layers
  }

  private static let magic = Array("SWPUMASK".utf8)
  private static let version = 1

  /// The file's bytes.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.magic)
    for number in [Self.version, step, epoch, layers.count] { writer.count(number) }
    for layer in layers {
      writer.text(layer.name)
      for number in [
        layer.groups, layer.stride, layer.paddingRows, layer.paddingColumns, layer.inputHeight,
        layer.inputWidth, layer.outputHeight, layer.outputWidth,
      ] { writer.count(number) }
      writer.text(layer.granularity.rawValue)
      writer.integer(layer.inputSparsity.bitPattern)
      writer.integer(layer.gradientSparsity.bitPattern)
      writer.append(layer.mask.encoded())
    }
    writer.integer(fnv1a(writer.bytes))
    return writer.bytes
  }

  /// Reads a snapshot's bytes.
  ///
  /// - Throws: `MaskError` for anything that is not a whole snapshot of this version.
  public init(decoding bytes: [UInt8], file: String) throws(MaskError) {
    guard bytes.count >= 32, Array(bytes.prefix(8)) == Self.magic else {
      throw MaskError(file: file, field: "magic", problem: "the file does not start with SWPUMASK")
    }
    var tail = ByteReader(Array(bytes.suffix(8)), file: file)
    let stored = try tail.integer(UInt64.self, "checksum")
    guard stored == fnv1a(bytes.dropLast(8)) else {
      throw MaskError(
        file: file, field: "checksum", problem: "does not match; the file is damaged or cut short")
    }
    var reader = ByteReader(Array(bytes.dropLast(8)), file: file)
    _ = try reader.bytes(8, "magic")
    _ = try reader.count("version", in: Self.version...Self.version)
    step = try reader.count("step", in: 0...Int(UInt32.max))
    epoch = try reader.count("epoch", in: 0...Int(UInt32.max))
    // A layer takes more than 64 bytes.
    let count = try reader.count("layers", in: 0...reader.remaining / 64)
    layers = []
    for index in 0..<count { layers.append(try Self.layer(from: &reader, index)) }
    if reader.remaining > 0 {
      throw reader.error("end", "\(reader.remaining) bytes follow that nothing names")
    }
  }

  private static func layer(from reader: inout ByteReader, _ index: Int) throws(MaskError) -> Layer
  {
    let field = "layer \(index)"
    let name = try reader.text(field + " name")
    let groups = try reader.count(field + " groups", in: 1...(1 << 20))
    let stride = try reader.count(field + " stride", in: 1...64)
    var sizes: [Int] = []
    for size in ["padding rows", "padding columns"] {
      sizes.append(try reader.count("\(field) \(size)", in: 0...64))
    }
    for size in ["input height", "input width", "output height", "output width"] {
      sizes.append(try reader.count("\(field) \(size)", in: 1...(1 << 20)))
    }
    let granularityName = try reader.text(field + " granularity")
    guard let granularity = Granularity(rawValue: granularityName) else {
      let allowed = Granularity.allCases.map(\.rawValue).joined(separator: ", ")
      throw reader.error(
        field + " granularity", "'\(granularityName)' is not one of \(allowed)")
    }
    let inputSparsity = Double(
      bitPattern: try reader.integer(UInt64.self, field + " input sparsity"))
    let gradientSparsity = Double(
      bitPattern: try reader.integer(UInt64.self, field + " gradient sparsity"))
    guard (0...1).contains(inputSparsity), (0...1).contains(gradientSparsity) else {
      throw reader.error(
        field + " sparsity", "\(inputSparsity) and \(gradientSparsity) must be in 0...1")
    }
    let mask = try LayerMask(from: &reader, field: field + " mask")
    return Layer(
      name: name, shape: mask.shape, groups: groups, stride: stride, paddingRows: sizes[0],
      paddingColumns: sizes[1], inputHeight: sizes[2], inputWidth: sizes[3],
      outputHeight: sizes[4], outputWidth: sizes[5], granularity: granularity, mask: mask,
      inputSparsity: inputSparsity, gradientSparsity: gradientSparsity)
  }
}
