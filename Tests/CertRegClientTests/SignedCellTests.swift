import CertRegCodec
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

/// JWS in compact serialization, which have certificates in their payload or header.
@Suite struct SignedCellTests {
  private static func url64(_ text: String) -> String {
    Base64.encode(Array(text.utf8)).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private static func der(_ number: UInt8) -> String { Base64.encode(Sample.certificate(number)) }

  /// What a JWS has the certificate in.
  enum Form: CaseIterable {
    case manifest, payload, header

    func text(_ number: UInt8) -> String {
      let longer = String(repeating: "x", count: 120)
      switch self {
      case .manifest:
        return jws(
          #"{"alg":"ES256"}"#,
          #"{"uniqueId":"u\#(number)","publicKeySet":{"keys":[{"x5c":["\#(der(number))"]}]},"n":"\#(longer)"}"#)
      case .payload:
        let pem = Sample.certificatePEM(number).replacing("\n", with: "\\n")
        return jws(#"{ "alg":"ES256"}"#, #"{ "sub":"\#(longer)","device":{"certificatePem":"\#(pem)"}}"#)
      case .header: return jws(#"{"alg":"ES256","x5c":["\#(der(number))"]}"#, #"{"sub":"\#(longer)"}"#)
      }
    }

    private func der(_ number: UInt8) -> String { SignedCellTests.der(number) }

    private func jws(_ header: String, _ payload: String) -> String {
      "\(SignedCellTests.url64(header)).\(SignedCellTests.url64(payload)).c2lnbmF0dXJl"
    }
  }

  private func found(_ text: String, _ name: String) throws -> [String] {
    try fileEntries(name, text).map { entry in "\(entry.deviceID ?? "-") \(pem(entry) ?? fault(entry) ?? "?")" }
  }

  @Test(arguments: Form.allCases) func `reads a JWS in a cell, a member and a line`(form: Form) throws {
    let numbers: [UInt8] = [1, 2, 3]
    let pems = numbers.map { Sample.certificatePEM($0) }
    let named = zip(numbers, pems).map { "d\($0) \($1)" }
    let own = zip(numbers, pems).map { form == .manifest ? "u\($0) \($1)" : "- \($1)" }
    let rows = numbers.map { "d\($0),\(form.text($0))\n" }.joined()
    #expect(try found("device_id,entry\n" + rows, "a.csv") == named)
    #expect(try found("serial,certificate\n" + rows, "a.csv") == named)
    #expect(try found(rows, "a.csv") == named)
    #expect(try found("entry,lot\n" + numbers.map { "\(form.text($0)),7\n" }.joined(), "a.csv") == own)
    #expect(try found(numbers.map { form.text($0) + "\n" }.joined(), "a.txt") == own)
    let members = numbers.map { #"{"device_id":"d\#($0)","token":"\#(form.text($0))"}"# }.joined(separator: ",")
    #expect(try found("[\(members)]", "a.json") == (form == .manifest ? own : named))
    let elements = numbers.map { "\"\(form.text($0))\"" }.joined(separator: ",")
    #expect(try found("{\"entries\":[\(elements)]}", "a.json") == own)
    let lines = numbers.map { "Authorization: Bearer \(form.text($0))\n" }.joined()
    #expect(try found("log of today\n" + lines, "a.log") == pems.map { "- \($0)" })
    // What else is on the line is read, too.
    let further = Sample.certificatePEM(4)
    let beside =
      "log: \(form.text(1)) \(Base64.encode(Sample.certificate(4))) \(further.replacing("\n", with: "\\n"))\n"
    #expect(try Set(found(beside, "a.log")) == ["- \(pems[0])", "- \(further)"])
  }

  @Test func `a JWS without a certificate has failed`() throws {
    let text =
      "\(Self.url64(#"{"alg":"ES256"}"#)).\(Self.url64(#"{"sub":"\#(String(repeating: "x", count: 99))"}"#)).AA"
    #expect(try found("id,token\nd1,\(text)\n", "a.csv") == ["d1 no column of this row holds a certificate"])
    #expect(try found("\(text)\n", "a.txt") == ["- none of its keys has a certificate (x5c)"])
  }

  @Test func `checks the signature of an entry in a cell`() throws {
    let folder = try TemporaryFolder()
    let signer = try Issuer(folder, "signer")
    let other = try Issuer(folder, "other")
    let header = Self.url64(#"{"alg":"ES256"}"#)
    let payload = Self.url64(
      #"{"uniqueId":"u","publicKeySet":{"keys":[{"x5c":["\#(Self.der(1))"],"kid":"\#(String(repeating: "x", count: 80))"}]}}"#
    )
    let signature = Data(try signer.signature(of: "\(header).\(payload)")).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    let file = try folder.write("a.csv", "device_id,entry\nd1,\(header).\(payload).\(signature)\n")
    for (issuer, isRight) in [(signer, true), (other, false)] {
      let entries = try allEntries(file, signers: [SignerCertificate(der: issuer.der)])
      #expect(entries.compactMap(pem).isEmpty == !isRight)
      #expect(entries.compactMap(fault) == (isRight ? [] : ["the signature does not match"]))
    }
  }

  // MARK: Characters as numbers

  @Test(arguments: ["const char c[] = {%};", "byte[] c = {\n%\n};", "c = bytes([%])", "%", "  %, 0"])
  func `reads the characters of blocks as decimal numbers`(frame: String) throws {
    for width in [12, 400] {
      let text = [Sample.certificatePEM(1), Sample.pem("PRIVATE KEY", Sample.privateKey)].map { block in
        let numbers = block.utf8.map(String.init)
        let lines = stride(from: 0, to: numbers.count, by: width).map { start in
          numbers[start..<min(start + width, numbers.count)].joined(separator: ", ")
        }
        return frame.replacing("%", with: lines.joined(separator: ",\n"))
      }
      let entries = try fileEntries("a.c", text.joined(separator: "\n\n") + "\n")
      #expect(entries.compactMap(pem) == [Sample.certificatePEM(1)])
      #expect(entries.compactMap(otherContent) == [.privateKey])
    }
  }

  @Test func `reads the characters of a block in a cell`() throws {
    let numbers = Sample.certificatePEM(1).utf8.map(String.init).joined(separator: ", ")
    #expect(try found("id,cert\nd1,\"{\(numbers)}\"\n", "a.csv") == ["d1 \(Sample.certificatePEM(1))"])
    let cut = numbers.prefix(numbers.count / 2)
    #expect(try fileEntries("a.c", "x = {\(cut)};\n").count == 1)
  }
}
