import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Foundation
import Testing

@Suite struct PropertyTests {
  /// Compares the parser with the reference on one line, and returns the difference.
  private func difference(_ line: [UInt8]) -> String? {
    let parsed = ParsedLine(line)
    guard let (members, ids) = ReferenceReader.read(line) else {
      guard let reason = parsed.reason, grammarReasons.contains(reason) else {
        return "is no object, but: \(parsed.reason ?? "accepted")"
      }
      return parsed.id == nil ? nil : "carries an id without being an object"
    }
    let isRequest = ReferenceRules.isRequest(members)
    if isRequest != (parsed.request != nil) { return "is a request: \(isRequest), but: \(parsed.reason ?? "accepted")" }
    if let reason = parsed.reason, !requestReasons.contains(reason) { return "is an object, but: \(reason)" }
    let idValues = members.filter { $0.name == Array("id".utf16) }.map(\.value)
    let echoed = ids.count == 1 && idValues.allSatisfy(ReferenceRules.isID) ? ids[0] : nil
    if parsed.id != echoed { return "echoes \(parsed.id ?? "nothing"), not \(echoed ?? "nothing")" }
    if parsed.request != nil {
      let pem = members.first { $0.name == Array("certificatePem".utf16) }?.value
      if case .string(let units) = pem {
        let text = ReferenceRules.text(units)
        if parsed.string(parsed.request?.certificatePem) != text { return "reads another certificatePem" }
        let isASCII = text?.utf8.allSatisfy { $0 < 0x80 }
        if parsed.request?.certificatePem?.isASCII != isASCII { return "is wrong about ASCII" }
      }
      var attributes: [String]?
      if case .object(let read) = members.first(where: { $0.name == Array("attributes".utf16) })?.value {
        attributes = read.map { name, value in
          guard case .string(let value) = value else { return "" }
          return "\(String(decoding: name, as: UTF16.self))=\(String(decoding: value, as: UTF16.self))"
        }
      }
      if parsed.attributes != attributes { return "reads other attributes" }
    }
    return nil
  }

  @Test func `agrees with a simple reading of RFC 8259 on random objects`() {
    var random = RandomLine(generator: .announced("random objects"))
    var requests: [RequestOperation: Int] = [:]
    for _ in 0..<4000 {
      let line = Array(random.object().utf8)
      if let difference = difference(line) { Issue.record("\(String(decoding: line, as: UTF8.self)) \(difference)") }
      if let request = ParsedLine(line).request { requests[request.operation, default: 0] += 1 }
    }
    // With fewer the lines would test little.
    #expect(requests.values.reduce(0, +) > 500)
    #expect(Set(requests.keys) == Set(RequestOperation.allCases))
  }

  @Test func `agrees with a simple reading of RFC 8259 on damaged objects`() {
    var random = RandomLine(generator: .announced("damaged objects"))
    for _ in 0..<5000 {
      let line = random.damagedObject()
      if let difference = difference(line) { Issue.record("\(String(decoding: line, as: UTF8.self)) \(difference)") }
    }
  }

  @Test func `gives a value or a typed error for every one-byte mutation of a line`() {
    let line = Array(
      #"{"id":"a\u00fc","op":"register","certificatePem":"-----BEGIN\nMIIBü\n","status":"ACTIVE","target":["x"],"wait":true,"timeoutMs":10,"provision":"p","attributes":{"a":"\u00e9","b":"ü"}}"#
        .utf8)
    var accepted = 0
    for index in line.indices {
      for byte in UInt8.min ... .max {
        var mutated = line
        mutated[index] = byte
        let parsed = ParsedLine(mutated)
        if let reason = parsed.reason {
          #expect(grammarReasons.contains(reason) || requestReasons.contains(reason))
          #expect(parsed.error?.kind == .invalidRequest)
        } else {
          accepted += 1
        }
      }
    }
    #expect(accepted > line.count)
    for count in line.indices { #expect(ParsedLine(line[..<count]).request == nil) }
  }

  @Test func `accepts JSON that Foundation writes`() throws {
    var generator = SplitMix64.announced("objects from Foundation")
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &generator)) ?? "x"
      }
      let text = String(String.UnicodeScalarView(scalars))
      let object: [String: Any] = ["id": text, "certificatePem": text, "wait": false, "timeoutMs": 5000]
      let parsed = ParsedLine(Array(try JSONSerialization.data(withJSONObject: object)))
      let request = try #require(parsed.request)
      #expect(Array((parsed.string(request.certificatePem) ?? "").utf8) == Array(text.utf8))
      #expect(!request.wait)
    }
  }
}
