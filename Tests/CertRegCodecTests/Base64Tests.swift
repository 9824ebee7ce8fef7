import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@Suite struct Base64Tests {
  @Test func `agrees with Foundation on random bytes`() throws {
    var generator = SplitMix64.announced("base64")
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let text = Base64.encode(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(try Base64.decode(text.utf8) == bytes)
      #expect(Base64.decodeAnyForm(text.utf8) == bytes)
      let url = text.replacing("+", with: "-").replacing("/", with: "_")
      #expect(Base64.decodeAnyForm(url.prefix { $0 != "=" }.utf8) == bytes)
    }
  }

  @Test(arguments: ["YQ==", "Y Q\n=\t=\r\u{b}\u{c}"])
  func `skips white space`(text: String) throws {
    #expect(try Base64.decode(text.utf8) == Array("a".utf8))
    #expect(Base64.decodeAnyForm(text.utf8) == Array("a".utf8))
  }

  @Test(arguments: ["Y", "YQ=", "YWI", "YQ===", "=", "YQ==YQ==", "YWI=YQ", "YW=I", "YWJj=", "Y=Q="])
  func `refuses text that is not whole groups with their padding`(text: String) {
    let error = #expect(throws: Base64.Fault.self) { try Base64.decode(text.utf8) }
    guard case .lengthOrPadding = error else {
      Issue.record("\(text): \(String(describing: error))")
      return
    }
  }

  @Test(arguments: ["YQ-=", "Y.Q=", "\u{0}", "YWJjé"])
  func `names a character outside the alphabet`(text: String) {
    let error = #expect(throws: Base64.Fault.self) { try Base64.decode(text.utf8) }
    guard case .character(let byte) = error else {
      Issue.record("\(text): \(String(describing: error))")
      return
    }
    #expect(Base64.values[Int(byte)] == Base64.invalid)
  }

  @Test(arguments: ["Y", "YQ=", "YQ===", "=", "YWJj=", "YWI=YQ", "Y.Q=", "YWJjZ"])
  func `reads no length that bytes do not have in any form`(text: String) {
    #expect(Base64.decodeAnyForm(text.utf8) == nil)
  }
}
