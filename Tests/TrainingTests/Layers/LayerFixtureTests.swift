// SPDX-License-Identifier: Apache-2.0
import Oracles
import Tensor
import Testing

@testable import Training

/// Every layer against PyTorch, on every instruction set of this machine.
@Suite("Layers against PyTorch")
struct LayerFixtureTests {
  struct ConvolutionCase: Decodable {
    struct Configuration: Decodable {
      let inChannels, outChannels, kernelHeight, kernelWidth, stride: Int
      let paddingHeight, paddingWidth, groups: Int
      let bias: Bool
    }
    let name: String
    let configuration: Configuration
    let input, weight, upstreamGradient, output, inputGradient, weightGradient: FixtureArray
    let bias, biasGradient: FixtureArray?
  }

  @Test("Convolution", arguments: Kernels.available.indices)
  func convolution(table: Int) throws {
    for example in try Fixture<ConvolutionCase>.read("conv2d") {
      let setup = example.configuration
      let sizes = example.input.shape
      let harness = try LayerHarness(
        map: MapShape(channels: sizes[1], height: sizes[2], width: sizes[3]), images: sizes[0],
        kernels: Kernels.available[table]
      ) { network, inputs in
        try network.convolution(
          "conv", inputs[0], filters: setup.outChannels, rows: setup.kernelHeight,
          columns: setup.kernelWidth, stride: setup.stride, paddingRows: setup.paddingHeight,
          paddingColumns: setup.paddingWidth, groups: setup.groups, bias: setup.bias)
      }
      try check(
        harness, example.name, weight: example.weight, bias: example.bias,
        input: example.input, upstream: example.upstreamGradient, output: example.output,
        inputGradient: example.inputGradient, weightGradient: example.weightGradient,
        biasGradient: example.biasGradient)
    }
  }

  struct LinearCase: Decodable {
    struct Configuration: Decodable {
      let inFeatures, outFeatures: Int
      let bias: Bool
    }
    let name: String
    let configuration: Configuration
    let input, weight, upstreamGradient, output, inputGradient, weightGradient: FixtureArray
    let bias, biasGradient: FixtureArray?
  }

  @Test("Linear layer", arguments: Kernels.available.indices)
  func linear(table: Int) throws {
    for example in try Fixture<LinearCase>.read("linear") {
      let setup = example.configuration
      let harness = try LayerHarness(
        map: MapShape(channels: setup.inFeatures, height: 1, width: 1),
        images: example.input.shape[0], kernels: Kernels.available[table]
      ) { network, inputs in
        try network.linear("fc", inputs[0], outputs: setup.outFeatures, bias: setup.bias)
      }
      try check(
        harness, example.name, weight: example.weight, bias: example.bias,
        input: example.input, upstream: example.upstreamGradient, output: example.output,
        inputGradient: example.inputGradient, weightGradient: example.weightGradient,
        biasGradient: example.biasGradient)
    }
  }

  private func check(
    _ harness: LayerHarness, _ name: String, weight: FixtureArray, bias: FixtureArray?,
    input: FixtureArray, upstream: FixtureArray, output: FixtureArray,
    inputGradient: FixtureArray, weightGradient: FixtureArray, biasGradient: FixtureArray?
  ) throws {
    let layer = try #require(harness.layer as? ConvolutionLayer)
    layer.store(denseWeights: weight.values)
    if let bias { layer.bias?.values.store(bias.values) }
    let found = harness.forward([input.values])
    #expect(relativeDifference(found, output.values) < 1e-5, Comment(rawValue: name))
    let gradients = harness.backward(upstream.values)
    #expect(relativeDifference(gradients[0], inputGradient.values) < 1e-5, Comment(rawValue: name))
    let dense = layer.filters.expand(layer.weight.gradient)
    #expect(relativeDifference(dense, weightGradient.values) < 1e-5, Comment(rawValue: name))
    if let biasGradient {
      let found = try #require(layer.bias).gradient.array()
      #expect(relativeDifference(found, biasGradient.values) < 1e-5, Comment(rawValue: name))
    }
  }

  struct BatchNormCase: Decodable {
    struct Configuration: Decodable {
      let channels: Int
      let epsilon, momentum: Float
      let training, relu, residual: Bool
    }
    struct Step: Decodable {
      let input, upstreamGradient, output, inputGradient: FixtureArray
      let gammaGradient, betaGradient, runningMean, runningVariance: FixtureArray
      let residual, residualGradient: FixtureArray?
    }
    let name: String
    let configuration: Configuration
    let gamma, beta, runningMean, runningVariance: FixtureArray
    let steps: [Step]
  }

  @Test("Batch normalisation", arguments: Kernels.available.indices)
  func batchNorm(table: Int) throws {
    for example in try Fixture<BatchNormCase>.read("batch_norm") {
      let setup = example.configuration
      let sizes = example.steps[0].input.shape
      let harness = try LayerHarness(
        map: MapShape(channels: sizes[1], height: sizes[2], width: sizes[3]), images: sizes[0],
        inputs: setup.residual ? 2 : 1, kernels: Kernels.available[table]
      ) { network, inputs in
        try network.batchNorm(
          "bn", inputs[0], adding: setup.residual ? inputs[1] : nil,
          activation: setup.relu ? .relu : .none, epsilon: setup.epsilon, momentum: setup.momentum)
      }
      let layer = try #require(harness.layer as? BatchNormLayer)
      layer.gamma.values.store(example.gamma.values)
      layer.beta.values.store(example.beta.values)
      layer.runningMean.store(example.runningMean.values)
      layer.runningVariance.store(example.runningVariance.values)
      let comment = Comment(rawValue: example.name)
      // Inputs far from zero lose digits to their mean, in any order of additions.
      let tolerance = example.name.contains("far") ? 2e-3 : 1e-5
      for step in example.steps {
        let inputs = [step.input.values] + (step.residual.map { [$0.values] } ?? [])
        let output = harness.forward(inputs, training: setup.training)
        #expect(relativeDifference(output, step.output.values) < tolerance, comment)
        #expect(
          relativeDifference(layer.runningMean.array(), step.runningMean.values) < tolerance,
          comment)
        #expect(
          relativeDifference(layer.runningVariance.array(), step.runningVariance.values)
            < tolerance,
          comment)
        if !setup.training { continue }
        let gradients = harness.backward(step.upstreamGradient.values)
        #expect(relativeDifference(gradients[0], step.inputGradient.values) < tolerance, comment)
        if let residual = step.residualGradient {
          #expect(relativeDifference(gradients[1], residual.values) < tolerance, comment)
        }
        #expect(
          relativeDifference(layer.gamma.gradient.array(), step.gammaGradient.values) < tolerance,
          comment)
        #expect(
          relativeDifference(layer.beta.gradient.array(), step.betaGradient.values) < tolerance,
          comment)
      }
    }
  }

  struct ActivationCase: Decodable {
    struct Configuration: Decodable { let maximum: Float? }
    let name: String
    let configuration: Configuration
    let input, upstreamGradient, output, inputGradient: FixtureArray
  }

  @Test("Activations", arguments: Kernels.available.indices)
  func activations(table: Int) throws {
    for example in try Fixture<ActivationCase>.read("activations") {
      let sizes = example.input.shape
      let harness = try LayerHarness(
        map: MapShape(channels: sizes[1], height: sizes[2], width: sizes[3]), images: sizes[0],
        kernels: Kernels.available[table]
      ) { network, inputs in
        try network.activation(
          "activation", inputs[0], example.configuration.maximum == nil ? .relu : .relu6)
      }
      #expect(
        harness.forward([example.input.values]) == example.output.values,
        Comment(rawValue: example.name))
      #expect(
        harness.backward(example.upstreamGradient.values)[0] == example.inputGradient.values,
        Comment(rawValue: example.name))
    }
  }

  struct AdditionCase: Decodable {
    struct Configuration: Decodable { let relu: Bool }
    let name: String
    let configuration: Configuration
    let input, residual, upstreamGradient, output, inputGradient, residualGradient: FixtureArray
  }

  @Test("Addition", arguments: Kernels.available.indices)
  func addition(table: Int) throws {
    for example in try Fixture<AdditionCase>.read("add") where !example.configuration.relu {
      let sizes = example.input.shape
      let harness = try LayerHarness(
        map: MapShape(channels: sizes[1], height: sizes[2], width: sizes[3]), images: sizes[0],
        inputs: 2, kernels: Kernels.available[table]
      ) { network, inputs in try network.add("add", inputs[0], inputs[1]) }
      let output = harness.forward([example.input.values, example.residual.values])
      #expect(relativeDifference(output, example.output.values) < 1e-6)
      let gradients = harness.backward(example.upstreamGradient.values)
      #expect(gradients[0] == example.inputGradient.values)
      #expect(gradients[1] == example.residualGradient.values)
    }
  }

  struct PoolCase: Decodable {
    struct Configuration: Decodable {
      let kind: String
      let kernel, stride, padding: Int?
    }
    let name: String
    let configuration: Configuration
    let input, upstreamGradient, output, inputGradient: FixtureArray
  }

  @Test("Pooling", arguments: Kernels.available.indices)
  func pooling(table: Int) throws {
    for example in try Fixture<PoolCase>.read("pools") {
      let setup = example.configuration
      let sizes = example.input.shape
      let harness = try LayerHarness(
        map: MapShape(channels: sizes[1], height: sizes[2], width: sizes[3]), images: sizes[0],
        kernels: Kernels.available[table]
      ) { network, inputs in
        if let size = setup.kernel {
          try network.pool(
            "pool", inputs[0], setup.kind == "max" ? .max : .average, size: size,
            stride: setup.stride, padding: setup.padding ?? 0)
        } else {
          try network.globalAveragePool("pool", inputs[0])
        }
      }
      let comment = Comment(rawValue: example.name)
      let output = harness.forward([example.input.values])
      #expect(relativeDifference(output, example.output.values) < 1e-6, comment)
      let gradient = harness.backward(example.upstreamGradient.values)[0]
      #expect(relativeDifference(gradient, example.inputGradient.values) < 1e-6, comment)
    }
  }
}
