// SPDX-License-Identifier: Apache-2.0
import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Markup as a strict reader sees it: an independent check that it is well-formed.
struct ParsedMarkup {
  struct Element {
    let name: String
    let attributes: [String: String]
  }

  struct Malformed: Error, CustomStringConvertible { let description: String }

  private(set) var elements: [Element] = []
  /// All text, in order.
  private(set) var text = ""

  init(_ source: String) throws {
    let reader = Reader()
    let parser = XMLParser(data: Data(source.utf8))
    parser.delegate = reader
    guard parser.parse() else {
      throw Malformed(
        description: "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "")")
    }
    elements = reader.elements
    text = reader.text
  }

  var ids: [String] { elements.compactMap { $0.attributes["id"] } }
  func count(_ name: String) -> Int { elements.filter { $0.name == name }.count }

  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    var text = ""

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }
}
