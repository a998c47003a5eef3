// SPDX-License-Identifier: Apache-2.0
import Masks
import Oracles
import Pruning
import Tensor
import Testing

@testable import Training

/// The schedule arrives in the layers: the density of each step, the exchanged fraction,
/// and what may move.
@Suite("Pruning of a model")
struct PruningRunTests {
  /// 40 filters whose outputs are averaged and weighed by a linear layer. The gradient of a filter is as
  /// large as what the linear layer gives it, so a test decides which pruned filters want to come back.
  private func model(prunable: Bool = true) throws -> Model {
    var network = Network(name: "small", input: MapShape(channels: 8, height: 6, width: 6))
    var x = try network.convolution(
      "conv", network.input, filters: 40, kernel: 3, padding: 1, prunable: prunable)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 4, prunable: false)
    return try Model(network, engine: Engine(threads: 2), batch: 8, seed: 3)
  }

  private func pruning(
    _ model: Model, _ granularity: Granularity,
    change: (inout PruningConfiguration) -> Void = { _ in }
  ) throws -> NetworkPruner {
    var configuration = PruningConfiguration(
      granularity: granularity, sparsity: 0.5, schedule: .dynamic, exchangeFrom: 0,
      updateInterval: 2,
      growFraction: 0.4, shapeUpdateFraction: 0.1)
    change(&configuration)
    // 80 steps, 8 an epoch: updates at 2, 4, 6 … 58, of which 2, 8, 16 … begin an epoch.
    return try #require(
      NetworkPruner(configuration, model: model, totalSteps: 80, stepsPerEpoch: 8, seed: 1))
  }

  /// Dense gradients that are zero for all that is kept, by a linear layer that gives pruned filters
  /// weight and kept ones none (all of them the same where no filter is pruned).
  private func backward(_ model: Model) throws {
    let (layer, linear) = (model.convolutions[0], model.convolutions[1])
    let mask = try #require(layer.mask)
    let perFilter = layer.filterShape.weightsPerFilter
    let kept = (0..<40).map { mask.elementBits.popcount(in: $0 * perFilter..<($0 + 1) * perFilter) }
    let hasPrunedFilters = kept.contains(0)
    linear.store(
      denseWeights: (0..<160).map {
        kept[$0 % 40] == 0 || !hasPrunedFilters ? Float($0 + 40) / 40 : 0
      })
    var random = SeededRandom(seed: 6)
    model.stage(randomValues(8 * 288, &random))
    model.forward(images: 8, training: true)
    _ = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 1, 2, 3, 0, 1, 2, 3], images: 8)
    model.backward(images: 8, denseGradients: true)
  }

  private func keptFilters(_ model: Model) throws -> Set<Int> {
    let layer = model.convolutions[0]
    let mask = try #require(layer.mask)
    let perFilter = layer.filterShape.weightsPerFilter
    return Set(
      (0..<40).filter {
        mask.elementBits.popcount(in: $0 * perFilter..<($0 + 1) * perFilter) > 0
      })
  }

  /// f(t) / f₀ of RigL over three quarters of 80 steps.
  private func share(at step: Int) -> Double { 0.5 * (1 + cosine(Double.pi * Double(step) / 60)) }

  private func cosine(_ x: Double) -> Double {
    // A Taylor sum, so that the test does not share a library call with what it tests.
    var (term, sum) = (1.0, 1.0)
    for n in 1..<20 {
      term *= -x * x / Double((2 * n - 1) * 2 * n)
      sum += term
    }
    return sum
  }

  @Test("Filters are exchanged once an epoch, by the fraction of shapes and not that of lines")
  func filters() throws {
    let model = try model()
    let pruning = try pruning(model, .filter)
    pruning.start(continuing: false, on: model.engine)
    var before = try keptFilters(model)
    #expect(before.count == 20)
    for step in [2, 4, 6, 8, 10, 24] {
      try backward(model)
      pruning.update(at: step, on: model.engine)
      let after = try keptFilters(model)
      #expect(after.count == 20)
      let moves = step == 2 || step % 8 == 0
      let expected = moves ? 20 - Int((20 * (1 - 0.1 * share(at: step))).rounded()) : 0
      #expect(after.subtracting(before).count == expected, "step \(step)")
      #expect(!moves || expected > 0, "step \(step)")
      before = after
    }
  }

  @Test(
    "Units that span all filters are exchanged by the fraction of shapes, single weights by theirs",
    arguments: [(Granularity.shape, 0.1, 36), (.channel, 0.1, 4), (.unstructured, 0.4, 1440)])
  func fractions(granularity: Granularity, fraction: Double, kept: Int) throws {
    let model = try model()
    let pruning = try pruning(model, granularity) {
      $0.shapeUpdateFraction = fraction == 0.1 ? 0.3 : 0.1
    }
    pruning.start(continuing: false, on: model.engine)
    let layer = model.convolutions[0]
    let before = try #require(layer.mask)
    try backward(model)
    pruning.update(at: 2, on: model.engine)
    let after = try #require(layer.mask)
    let (old, new) =
      granularity == .unstructured
      ? (before.elementBits, after.elementBits) : (before.shapes, after.shapes)
    let unit = granularity == .channel ? 9 : 1
    #expect(old.popcount == kept * unit && new.popcount == kept * unit)
    // At most what the fraction frees: what was freed may come back.
    let share = (granularity == .unstructured ? 0.4 : 0.3) * share(at: 2)
    let freed = kept - Int((Double(kept) * (1 - share)).rounded())
    let changed = new.subtracting(old).popcount / unit
    #expect(changed <= freed && changed > 0, "\(changed) of \(freed)")
  }

  @Test("Shapes of sub-structured masks move at the first update of an epoch only")
  func shapesMove() throws {
    let model = try model()
    let pruning = try pruning(model, .subStructured) {
      $0.shapeShare = 0.5
      $0.shapeUpdateFraction = 0.4
    }
    pruning.start(continuing: false, on: model.engine)
    let layer = model.convolutions[0]
    for step in [2, 4, 6, 8] {
      let before = try #require(layer.mask)
      try backward(model)
      pruning.update(at: step, on: model.engine)
      let after = try #require(layer.mask)
      #expect((after.shapes != before.shapes) == (step == 2 || step == 8), "step \(step)")
      #expect(after.lines != before.lines, "step \(step)")
      #expect(abs(after.density - 0.5) < 0.01)
    }
  }

  @Test("The density is that of the step, from the first masks to the last update")
  func density() throws {
    let model = try model()
    let pruning = try pruning(model, .line) {
      $0.schedule = .gradual
      $0.startDensity = 0.8
    }
    pruning.start(continuing: false, on: model.engine)
    let layer = model.convolutions[0]
    #expect(abs(try #require(layer.mask).density - 0.8) < 0.002)
    for step in [10, 20, 40, 50] {
      try backward(model)
      pruning.update(at: step, on: model.engine)
      let left = max(0, 1 - Double(step) / 40)
      let expected = 0.5 + 0.3 * left * left * left
      #expect(abs(try #require(layer.mask).density - expected) < 0.002, "step \(step)")
    }
  }

  @Test("The budget is the configuration's, with what the layers must keep")
  func budget() throws {
    var network = Network(name: "two", input: MapShape(channels: 4, height: 6, width: 6))
    var x = try network.convolution("small", network.input, filters: 8, kernel: 3, padding: 1)
    x = try network.convolution("large", x, filters: 64, kernel: 3, padding: 1)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 4, prunable: false)
    func densities(_ budget: PruningConfiguration.Budget, sparsity: Double) throws -> [Double] {
      let model = try Model(network, engine: Engine(threads: 2), batch: 2, seed: 3)
      try pruning(model, .line) {
        $0.budget = budget
        $0.sparsity = sparsity
      }.start(continuing: false, on: model.engine)
      return model.layerSparsities.filter(\.prunable).map { Double($0.kept) / Double($0.weights) }
    }
    let uniform = try densities(.uniform, sparsity: 0.8)
    #expect(uniform.allSatisfy { abs($0 - 0.2) < 0.01 })
    let erk = try densities(.erk, sparsity: 0.8)
    // (8 + 4 + 3 + 3) / 288 to (64 + 8 + 3 + 3) / 4,608, while together they keep a fifth.
    #expect(abs(erk[0] / erk[1] - (18.0 / 288) / (78.0 / 4608)) < 0.1)
    #expect(abs((erk[0] * 288 + erk[1] * 4608) / 4896 - 0.2) < 0.01)
    // A line in every filter: a twelfth of the small layer, and the large one makes up for it.
    let floors = try densities(.uniform, sparsity: 0.95)
    #expect(abs(floors[0] - 1.0 / 12) < 1e-9)
    #expect(abs((floors[0] * 288 + floors[1] * 4608) / 4896 - 0.05) < 0.002)
  }

  @Test("The global budget follows the weights along the ramp and keeps its shares afterwards")
  func globalBudget() throws {
    var network = Network(name: "two", input: MapShape(channels: 4, height: 6, width: 6))
    var x = try network.convolution("a", network.input, filters: 32, kernel: 3, padding: 1)
    x = try network.convolution("b", x, filters: 32, kernel: 3, padding: 1)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 4, prunable: false)
    let model = try Model(network, engine: Engine(threads: 2), batch: 2, seed: 3)
    let pruning = try pruning(model, .line) {
      $0.schedule = .gradual
      $0.startDensity = 1
      $0.budget = .global
    }
    pruning.start(continuing: false, on: model.engine)
    // Larger weights than a random start gives; their layer keeps more.
    let layer = model.convolutions[0]
    layer.store(denseWeights: layer.denseWeights.map { 3 * $0 })
    func densities() -> [Double] {
      model.layerSparsities.filter(\.prunable).map { Double($0.kept) / Double($0.weights) }
    }
    var last = [1.0, 1.0]
    for step in [10, 20, 40, 48, 56] {
      model.stage([Float](repeating: 0.5, count: 2 * 144))
      model.forward(images: 2, training: true)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 1], images: 2)
      model.backward(images: 2, denseGradients: true)
      let target = pruning.schedule.density(at: step)
      if step > 40 {
        let other = model.convolutions[1]
        other.store(denseWeights: other.denseWeights.map { 20 * $0 })
      }
      pruning.update(at: step, on: model.engine)
      let now = densities()
      let counts = model.layerSparsities.filter(\.prunable).map { Double($0.weights) }
      let kept = zip(now, counts).reduce(0) { $0 + $1.0 * $1.1 } / (counts[0] + counts[1])
      #expect(abs(kept - target) < 0.002, "step \(step): \(kept), not \(target)")
      #expect(now[0] > 1.2 * now[1], "step \(step): \(now)")
      if step > 40 { #expect(now == last, "the ramp is over") }
      last = now
    }
  }

  @Test(
    "An update that asks for no gradients chooses what it would choose with any",
    arguments: Granularity.allCases.filter { $0 != .dense }, PruningConfiguration.Budget.allCases)
  func unusedGradients(granularity: Granularity, budget: PruningConfiguration.Budget) throws {
    let models = try (0..<2).map { _ in try model() }
    let pruners = try models.map { model in
      try pruning(model, granularity) {
        $0.schedule = .gradual
        $0.startDensity = 0.9
        $0.exchangeFrom = nil
        $0.budget = budget
      }
    }
    for (model, pruner) in zip(models, pruners) {
      pruner.start(continuing: false, on: model.engine)
    }
    var random = SeededRandom(seed: 12)
    var without = 0
    // Units that span all filters or channels are exchanged once an epoch.
    let movesRarely = [Granularity.filter, .channel, .shape].contains(granularity)
    for step in 1...60 where pruners[0].schedule.isUpdate(at: step) {
      let weights = randomValues(2880, &random)
      let needs = pruners[1].needsGradients(at: step)
      if step > 40, !movesRarely || pruners[1].schedule.movesShapes(at: step) { #expect(needs) }
      if !needs { without += 1 }
      let gradient = randomValues(2880, &random)
      for (index, (model, pruner)) in zip(models, pruners).enumerated() {
        let layer = model.convolutions[0]
        layer.store(denseWeights: weights)
        if index == 0 || needs { layer.store(denseGradient: gradient) }
        pruner.update(at: step, on: model.engine)
        model.dropObservations()
      }
      #expect(models[0].convolutions[0].mask == models[1].convolutions[0].mask, "step \(step)")
    }
    #expect(without >= 10)
  }

  @Test("A ramp does not make a layer denser that is sparser already")
  func rampOnlyFalls() throws {
    let model = try model()
    let pruning = try pruning(model, .line) {
      $0.schedule = .gradual
      $0.startDensity = 1
    }
    pruning.start(continuing: false, on: model.engine)
    let layer = try #require(model.convolutions.first { $0.isPrunable })
    let sparse = LayerPruner(
      shape: layer.filterShape, configuration: PruningConfiguration(granularity: .line)
    ).initialMask(weights: layer.denseWeights, density: 0.6)
    layer.apply(sparse)
    let step = 10
    #expect(pruning.schedule.density(at: step) > 0.65 && pruning.schedule.density(at: 1000) < 0.55)
    model.stage(
      [Float](repeating: 0.5, count: model.batch * model.network.map(model.network.input).count))
    model.forward(images: model.batch, training: true)
    _ = model.evaluate(
      SoftmaxCrossEntropy(), labels: (0..<model.batch).map { _ in 0 }, images: model.batch)
    model.backward(images: model.batch, denseGradients: true)
    pruning.update(at: step, on: model.engine)
    let kept = try #require(layer.mask).density
    #expect(abs(kept - sparse.density) < 0.02, "\(kept), not \(sparse.density)")
  }

  @Test("Kept weights keep their value and optimiser state; re-grown ones start at zero")
  func repacking() throws {
    let model = try model()
    let layer = model.convolutions[0]
    let optimizer = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 0)
    optimizer.prepare(model.parameters)
    func half(_ isFirst: Bool) -> LayerMask {
      LayerMask(
        shape: layer.filterShape,
        elements: Bits(count: layer.filterShape.count) {
          ($0 % 3 == 0) || ($0 % 2 == 0) == isFirst
        })
    }
    layer.apply(half(true))
    let count = layer.filterShape.count
    layer.weight.slots = [Tensor(layer.filters.pack((0..<count).map { Float($0 + 1) }))]
    let before = layer.denseWeights
    layer.apply(half(false))
    let after = layer.denseWeights
    let state = layer.filters.expand(layer.weight.slots[0])
    for place in 0..<count {
      let stays = place % 3 == 0
      // Places that were not kept before come back, and those that are not kept now are gone.
      #expect(after[place] == (stays ? before[place] : 0))
      #expect(state[place] == (stays ? Float(place + 1) : 0))
    }
  }

  @Test("A step that computes all gradients leaves the kept ones where the optimiser reads them")
  func denseGradients() throws {
    let model = try model()
    let pruner = try pruning(model, .line)
    pruner.start(continuing: false, on: model.engine)
    let layer = model.convolutions[0]
    func gradients(dense: Bool) -> [Float] {
      var random = SeededRandom(seed: 6)
      model.stage(randomValues(8 * 288, &random))
      model.forward(images: 8, training: true)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 1, 2, 3, 0, 1, 2, 3], images: 8)
      layer.weight.gradient.fill(0)
      model.backward(images: 8, denseGradients: dense)
      return layer.filters.expand(layer.weight.gradient)
    }
    let (kept, all) = (gradients(dense: false), gradients(dense: true))
    #expect(relativeDifference(all, kept, least: 1e-6) < 1e-4)
    #expect(largestMagnitude(kept) > 1e-6)
    #expect(layer.denseGradient?.count == layer.filterShape.count)
  }

  @Test(
    "A layer that is not prunable stays dense, and a network without prunable layers is not pruned")
  func notPrunable() throws {
    let model = try model()
    let pruning = try pruning(model, .line)
    pruning.start(continuing: false, on: model.engine)
    #expect(model.convolutions.map { $0.mask == nil } == [false, true])
    #expect(
      try NetworkPruner(
        PruningConfiguration(), model: self.model(prunable: false), totalSteps: 8, stepsPerEpoch: 4,
        seed: 1) == nil)
  }
}
