// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A convolution by its definition: nested loops in double precision over dense weights
/// `[K][C][R][S]` and plain images `[image][channel][row][column]`. It knows nothing of masks, packings,
/// lists and lanes, so none of their faults can be on both sides of a comparison.
public struct PlainConvolution {
  let geometry: ConvolutionGeometry
  let images: Int

  /// The convolution of a layer over a batch.
  public init(_ geometry: ConvolutionGeometry, images: Int) {
    self.geometry = geometry
    self.images = images
  }

  /// `y[k,p,q] = bias[k] + Σ w[k,c,r,s] · x[c, p·stride + r - pad, q·stride + s - pad]`.
  public func forward(input: [Float], weights: [Float], bias: [Float]? = nil) -> [Double] {
    var output = [Double](repeating: 0, count: images * geometry.output.count)
    let plane = geometry.output.pixels
    if let bias {
      for place in output.indices { output[place] = Double(bias[place / plane % bias.count]) }
    }
    forEachProduct { weight, x, y in output[y] += Double(weights[weight]) * Double(input[x]) }
    return output
  }

  /// The gradient of the loss with respect to the input: what each product of the forward pass hands
  /// back to the value that it read.
  public func inputGradient(outputGradient: [Float], weights: [Float]) -> [Double] {
    var gradient = [Double](repeating: 0, count: images * geometry.input.count)
    forEachProduct { weight, x, y in
      gradient[x] += Double(weights[weight]) * Double(outputGradient[y])
    }
    return gradient
  }

  /// The gradient with respect to every weight, of pruned ones too.
  public func weightGradient(input: [Float], outputGradient: [Float]) -> [Double] {
    var gradient = [Double](repeating: 0, count: geometry.weights)
    forEachProduct { weight, x, y in
      gradient[weight] += Double(input[x]) * Double(outputGradient[y])
    }
    return gradient
  }

  /// Calls `body` with the places of weight, input and output of each product inside the map.
  @inline(__always)
  private func forEachProduct(_ body: (Int, Int, Int) -> Void) {
    let (input, output) = (geometry.input, geometry.output)
    let perGroup = geometry.filters / geometry.groups
    for image in 0..<images {
      for k in 0..<geometry.filters {
        for c in 0..<geometry.channelsPerGroup {
          let channel = k / perGroup * geometry.channelsPerGroup + c
          for r in 0..<geometry.rows {
            for s in 0..<geometry.columns {
              let weight =
                ((k * geometry.channelsPerGroup + c) * geometry.rows + r) * geometry.columns + s
              for p in 0..<output.height {
                let row = p * geometry.stride + r - geometry.paddingRows
                if row < 0 || row >= input.height { continue }
                for q in 0..<output.width {
                  let column = q * geometry.stride + s - geometry.paddingColumns
                  if column < 0 || column >= input.width { continue }
                  body(
                    weight,
                    ((image * input.channels + channel) * input.height + row) * input.width
                      + column,
                    ((image * output.channels + k) * output.height + p) * output.width + q)
                }
              }
            }
          }
        }
      }
    }
  }
}
