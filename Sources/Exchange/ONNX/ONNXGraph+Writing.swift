// SPDX-License-Identifier: Apache-2.0
import Foundation

extension ONNXGraph {
  /// The operations of 2021 and the file version that goes with them: old enough for every runtime in
  /// use, new enough for axes as inputs.
  private static let operatorSet = 17
  private static let irVersion = 8

  /// The bytes of a file with this graph. Open axes of inputs and outputs are called `batch`.
  ///
  /// - Parameters:
  ///   - producer: name and version of the program that writes.
  ///   - metadata: free text for its readers.
  public func encoded(
    producer: (name: String, version: String), metadata: [String: String] = [:]
  ) -> Data {
    var model = WireWriter()
    model.number(ONNXField.Model.irVersion, Self.irVersion)
    model.text(ONNXField.Model.producer, producer.name)
    model.text(ONNXField.Model.producerVersion, producer.version)
    model.message(ONNXField.Model.graph, write)
    model.message(ONNXField.Model.operators) { set in
      set.text(ONNXField.OperatorSet.domain, "")
      set.number(ONNXField.OperatorSet.version, Self.operatorSet)
    }
    for function in functions {
      model.message(ONNXField.Model.function) { function.write(to: &$0) }
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      model.message(ONNXField.Model.metadata) { entry in
        entry.text(ONNXField.Entry.key, key)
        entry.text(ONNXField.Entry.value, value)
      }
    }
    return model.data
  }

  fileprivate func write(to graph: inout WireWriter) {
    for node in nodes { graph.message(ONNXField.Graph.node) { node.write(to: &$0) } }
    graph.text(ONNXField.Graph.name, name)
    for (name, constant) in constants {
      graph.message(ONNXField.Graph.constant) { constant.write(to: &$0, name: name) }
    }
    for (field, ports) in [
      (ONNXField.Graph.input, inputs), (ONNXField.Graph.output, outputs),
      (ONNXField.Graph.valueInfo, sizes),
    ] {
      for port in ports { graph.message(field) { port.write(to: &$0) } }
    }
  }
}

extension ONNXGraph.Function {
  fileprivate func write(to function: inout WireWriter) {
    function.text(ONNXField.Function.name, name)
    function.text(ONNXField.Function.domain, domain)
    for input in inputs { function.text(ONNXField.Function.input, input) }
    for output in outputs { function.text(ONNXField.Function.output, output) }
    for node in nodes { function.message(ONNXField.Function.node) { node.write(to: &$0) } }
    for (name, value) in defaults.sorted(by: { $0.key < $1.key }) {
      function.message(ONNXField.Function.attributeDefault) { value.write(to: &$0, name: name) }
    }
  }
}

extension ONNXGraph.Node {
  fileprivate func write(to node: inout WireWriter) {
    for input in inputs { node.text(ONNXField.Node.input, input) }
    for output in outputs { node.text(ONNXField.Node.output, output) }
    node.text(ONNXField.Node.name, name)
    node.text(ONNXField.Node.operation, operation)
    if !domain.isEmpty { node.text(ONNXField.Node.domain, domain) }
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      node.message(ONNXField.Node.attribute) { value.write(to: &$0, name: name) }
    }
    for (name, reference) in references.sorted(by: { $0.key < $1.key }) {
      node.message(ONNXField.Node.attribute) { attribute in
        attribute.text(ONNXField.Attribute.name, name)
        attribute.text(ONNXField.Attribute.reference, reference)
      }
    }
  }
}

extension ONNXGraph.Attribute {
  fileprivate func write(to attribute: inout WireWriter, name: String) {
    attribute.text(ONNXField.Attribute.name, name)
    let type: Int
    switch self {
    case .int(let value):
      attribute.number(ONNXField.Attribute.int, value)
      type = ONNXField.AttributeType.int
    case .ints(let values):
      for value in values { attribute.number(ONNXField.Attribute.ints, value) }
      type = ONNXField.AttributeType.ints
    case .float(let value):
      attribute.float(ONNXField.Attribute.float, value)
      type = ONNXField.AttributeType.float
    case .floats(let values):
      for value in values { attribute.float(ONNXField.Attribute.floats, value) }
      type = ONNXField.AttributeType.floats
    case .graph(let value):
      attribute.message(ONNXField.Attribute.graph, value.write)
      type = ONNXField.AttributeType.graph
    case .text(let value):
      attribute.text(ONNXField.Attribute.text, value)
      type = ONNXField.AttributeType.text
    case .constant(let value):
      attribute.message(ONNXField.Attribute.tensor) { value.write(to: &$0, name: "") }
      type = ONNXField.AttributeType.tensor
    case .other: preconditionFailure("attribute \(name) has no value that can be written")
    }
    attribute.number(ONNXField.Attribute.type, type)
  }
}

extension ONNXGraph.Constant {
  fileprivate func write(to tensor: inout WireWriter, name: String) {
    guard let element else { preconditionFailure("constant \(name) has no type") }
    for size in shape { tensor.number(ONNXField.Tensor.axes, size) }
    tensor.number(ONNXField.Tensor.element, element.rawValue)
    tensor.text(ONNXField.Tensor.name, name)
    tensor.bytes(ONNXField.Tensor.raw, Data(bytes))
  }
}

extension ONNXGraph.Port {
  fileprivate func write(to port: inout WireWriter) {
    port.text(ONNXField.ValueInfo.name, name)
    guard let size else { return }
    port.message(ONNXField.ValueInfo.type) { type in
      type.message(ONNXField.TypeOfValue.tensor) { tensor in
        tensor.number(ONNXField.TensorType.element, ONNXGraph.Element.float32.rawValue)
        tensor.message(ONNXField.TensorType.shape) { shape in
          for axis in size.axes {
            shape.message(ONNXField.Shape.axis) {
              if let axis {
                $0.number(ONNXField.Axis.size, axis)
              } else {
                $0.text(ONNXField.Axis.name, "batch")
              }
            }
          }
        }
      }
    }
  }
}
