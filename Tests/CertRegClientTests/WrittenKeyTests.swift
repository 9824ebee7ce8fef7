import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

/// The numbers of private keys in cells and members, in the ways in which programs write them.
@Suite struct WrittenKeyTests {
  /// What openssl writes for these arguments.
  private static func openssl(_ arguments: [String], _ folder: TemporaryFolder) throws -> [UInt8] {
    let out = folder.path("out")
    let result = Program.run(
      ["openssl"] + arguments + ["-out", out], environment: ProcessInfo.processInfo.environment, timeout: .seconds(60))
    try #require(result?.status == 0, "openssl is needed for this test")
    return Array(try Data(contentsOf: URL(fileURLWithPath: out)))
  }

  /// A number in decimal digits.
  private static func decimal(_ number: some Sequence<UInt8>) -> String {
    var digits = [0]
    for byte in number {
      var carry = Int(byte)
      for index in digits.indices {
        carry += digits[index] * 256
        digits[index] = carry % 10
        carry /= 10
      }
      while carry > 0 {
        digits.append(carry % 10)
        carry /= 10
      }
    }
    return digits.reversed().map(String.init).joined()
  }

  private static func base32(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    let bits = bytes.flatMap { byte in (0..<8).map { Int(byte >> (7 - $0)) & 1 } } + [0, 0, 0, 0]
    return stride(from: 0, to: bits.count / 5 * 5, by: 5).map { start in
      String(letters[bits[start..<(start + 5)].reduce(0) { $0 * 2 + $1 }])
    }.joined() + "===="
  }

  private static func forms(_ number: [UInt8]) -> [String] {
    let digits = number.map { hexadecimal(UInt32($0), digits: 2) }
    return [
      digits.joined(), digits.joined(separator: ":"), digits.map { "0x\($0)" }.joined(separator: ", "),
      "{" + digits.map { "0x\($0)" }.joined(separator: ",") + "}", digits.map { "\\x\($0)" }.joined(),
      Base64.encode(number), decimal(number), number.map(String.init).joined(separator: ", "),
    ]
  }

  /// A certificate in base64, and the forms of the secret numbers of its key.
  private static func secrets(_ folder: TemporaryFolder) throws -> [(certificate: String, forms: [String])] {
    let options = ["-addext", "basicConstraints=CA:FALSE"]
    let elliptic = try Issuer(folder, "ec", options: options)
    let rsa = try Issuer(folder, "rsa", ["rsa:2048"], options: options)
    func text(_ name: String) throws -> String {
      String(
        decoding: try openssl(["pkey", "-in", folder.path("\(name).key"), "-text", "-noout"], folder), as: UTF8.self)
    }
    let scalar = try openssl(["ec", "-in", folder.path("ec.key"), "-outform", "DER"], folder)[7..<39]
    let key = try openssl(["rsa", "-in", folder.path("rsa.key"), "-traditional", "-outform", "DER"], folder)
    var outer = DERElements(key[...])
    let whole = outer.next()
    let members = DERElements(try #require(whole).content).map { Array($0.content) }
    let xml = "<RSAKeyValue><Modulus>AA==</Modulus><P>AA==</P><D>\(Base64.encode(members[3]))</D></RSAKeyValue>"
    // The private exponent, the primes and the exponents of these.
    let numbers = members[3...7].flatMap(forms)
    return try [
      (Base64.encode(elliptic.der), forms(Array(scalar)) + [base32(Array(scalar)), text("ec")]),
      (Base64.encode(rsa.der), numbers + [xml, text("rsa")]),
    ]
  }

  @Test func `no number of a key is an attribute or a name, however it is written`() throws {
    let folder = try TemporaryFolder()
    for (certificate, forms) in try Self.secrets(folder) {
      for form in forms {
        for heading in ["Private Key", "Note", "Device ID"] {
          var options = InputOptions()
          options.attributes = [try #require(AttributeRule("note=@\(heading)"))]
          let cells = "\(certificate),\"\(form.replacing("\"", with: "\"\""))\"\n"
          let value = form.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
          let member = "[{\"certificate\":\"\(certificate)\",\"\(heading)\":\"\(value)\"}]"
          for (name, text) in [("a.csv", "Certificate,\(heading)\n" + cells), ("a.json", member)] {
            let entries = try fileEntries(name, text, options)
            #expect(entries.compactMap(pem).count == 1, "\(heading): \(form): \(entries.map(\.content))")
            #expect(entries.allSatisfy { $0.attributes.isEmpty && $0.deviceID == nil }, "\(heading): \(form)")
            #expect(entries.contains { otherContent($0) == .privateKey }, "\(heading): \(form)")
          }
        }
      }
    }
  }

  @Test func `the numbers beside many RSA keys count as secret where there are too many to compare`() throws {
    let folder = try TemporaryFolder()
    let issuer = try Issuer(folder, "rsa", ["rsa:2048"], options: ["-addext", "basicConstraints=CA:FALSE"])
    let certificate = try #require(
      Value.pieces(Base64.encode(issuer.der).utf8).compactMap(\.certificate).first)
    func others(_ count: Int) -> [String] {
      (0..<count).map { Base64.encode([0x7F, UInt8($0)] + [UInt8](repeating: 0x55, count: 254)) }
    }
    let few = RawKey([certificate])
    #expect(others(20).allSatisfy { !few.belongs($0) })
    let many = RawKey(Array(repeating: certificate, count: 40))
    #expect(others(20).count(where: many.belongs) >= 18)
    // Other texts are as long as no number of the key.
    #expect(!many.belongs("device-7"))
  }

  @Test func `nothing below the heading of a private key is an attribute`() throws {
    let certificate = Base64.encode(Sample.wholeCertificate())
    for heading in ["Private Key", "private_key_pem", "Device Private Key (hex)", "priv", "privKey", "RSA private key"]
    {
      for column in [heading, "2"] {
        var options = InputOptions()
        options.attributes = [try #require(AttributeRule("note=@\(column)"))]
        let entries = try fileEntries("a.csv", "Certificate,\(heading)\n\(certificate),in slot 7\n", options)
        #expect(entries.compactMap(pem).count == 1 && entries.allSatisfy(\.attributes.isEmpty), "\(heading)")
      }
    }
    for heading in ["Private Key ID", "private_key_slot", "Note", "Key type", "Private"] {
      var options = InputOptions()
      options.attributes = [try #require(AttributeRule("note=@\(heading)"))]
      let entries = try fileEntries("a.csv", "Certificate,\(heading)\n\(certificate),7\n", options)
      #expect(entries.map { $0.attributes.map(\.value) } == [["7"]], "\(heading)")
    }
  }

  @Test func `other numbers of the same length stay attributes`() throws {
    let folder = try TemporaryFolder()
    let rsa = try Issuer(folder, "rsa", ["rsa:2048"], options: ["-addext", "basicConstraints=CA:FALSE"])
    let modulus = try #require(CertificateOutline(rsa.der)?.publicKey?.numbers?.modulus)
    let others = [Array(rsa.der.suffix(256)), modulus, Array(rsa.der.suffix(128)), Array(rsa.der.suffix(32))]
    for text in others.flatMap({ [Base64.encode($0), $0.map { hexadecimal(UInt32($0), digits: 2) }.joined()] }) {
      var options = InputOptions()
      options.attributes = [try #require(AttributeRule("note=@Note"))]
      let entries = try fileEntries("a.csv", "Certificate,Note\n\(Base64.encode(rsa.der)),\(text)\n", options)
      #expect(entries.map { $0.attributes.map(\.value) } == [[text]], "\(text)")
    }
  }
}
