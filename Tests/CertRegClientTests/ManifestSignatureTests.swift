import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

@Suite struct ManifestSignatureTests {
  private struct Element {
    var payload: String
    var header: String
    var signature: String

    var json: String {
      let members = [("payload", payload), ("protected", header), ("signature", signature)]
      return JSON.object(members.map { JSON.Member($0.0, .string($0.1)) }).serialized()
    }
  }

  private static func url64(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private func element(_ issuer: Issuer, header: String? = nil) throws -> Element {
    let digest = Self.url64(SHA256.digest(of: issuer.der).bytes)
    let header = Self.url64((header ?? #"{"alg":"ES256","typ":"JWT","kid":"x","x5t#S256":"\#(digest)"}"#).utf8)
    let certificate = Data(Sample.certificate(1)).base64EncodedString()
    let payload = Self.url64(#"{"uniqueId":"0123","publicKeySet":{"keys":[{"x5c":["\#(certificate)"]}]}}"#.utf8)
    return Element(
      payload: payload, header: header, signature: Self.url64(try issuer.signature(of: "\(header).\(payload)")))
  }

  private func faults(_ elements: [Element], _ signers: [Issuer]) throws -> [String?] {
    let folder = try TemporaryFolder()
    let file = try folder.write("m.json", "[" + elements.map(\.json).joined(separator: ",") + "]")
    let certificates = try signers.map { try SignerCertificate(der: $0.der) }
    var faults: [String?] = []
    for entry in try allEntries(file, signers: certificates) {
      #expect(entry.name.hasSuffix(" 0123") || fault(entry) != nil)
      if case .failure(let error) = entry.content { #expect(error.code == .wrongSignature) }
      faults.append(fault(entry))
    }
    return faults
  }

  @Test func `takes what the signer signed, and nothing that was changed`() throws {
    let folder = try TemporaryFolder()
    let signer = try Issuer(folder, "signer")
    let other = try Issuer(folder, "other")
    let good = try element(signer)
    var changed = good
    changed.payload = Self.url64(#"{"uniqueId":"9","publicKeySet":{"keys":[{"x5c":["MAA="]}]}}"#.utf8)
    var short = good
    short.signature = String(good.signature.dropLast(2))
    var flipped = good
    flipped.signature = (good.signature.hasPrefix("A") ? "B" : "A") + good.signature.dropFirst()
    var unsigned = good
    unsigned.signature = ""
    var zero = good
    zero.signature = Self.url64([UInt8](repeating: 0, count: 64))
    let notTheSigners = "the signature does not match"
    #expect(
      try faults([good, changed, short, flipped, unsigned, zero], [signer]) == [
        nil, notTheSigners, notTheSigners, notTheSigners, notTheSigners, notTheSigners,
      ])
    let stranger = "signed by a certificate that was not given with --signer"
    #expect(try faults([good, try element(other)], [signer]) == [nil, stranger])
    #expect(try faults([good, try element(other)], [other, signer]) == [nil, nil])
  }

  @Test func `takes no other algorithm, and asks every signer where none is named`() throws {
    let folder = try TemporaryFolder()
    let signer = try Issuer(folder, "signer")
    let other = try Issuer(folder, "other")
    let another = "not signed with ES256"
    let elements = try [
      #"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"ES256","crit":["exp"]}"#, "{}", #"{"alg":"ES256"}"#, "x",
    ].map { try element(signer, header: $0) }
    #expect(
      try faults(elements, [other, signer]) == [another, another, another, another, nil, "not signed"])
  }

  @Test(arguments: [false, true]) func `registers no signer's certificate beside its manifest`(checks: Bool) throws {
    let folder = try TemporaryFolder()
    let plain = try folder.write("plain.cnf", "[req]\ndistinguished_name = name\n[name]\n")
    // Folders are read in the order of their names: one certificate comes before the manifest, one behind it.
    for name in ["a-signer", "z"] {
      let supply = try TemporaryFolder()
      let signer = try Issuer(folder, name, options: ["-config", plain])
      _ = try supply.write("\(name).crt", String(decoding: signer.certificatePEM, as: UTF8.self))
      _ = try supply.write("m.json", "[\(try element(signer).json)]")
      let entries = try allEntries(supply.path("."), signers: checks ? [try SignerCertificate(der: signer.der)] : [])
      #expect(entries.compactMap(otherContent) == [.manifestSigner])
      #expect(entries.compactMap(pem) == [PEM.certificate(der: Sample.certificate(1))])
      #expect(entries.compactMap(fault) == [])
    }
    // What no manifest names is a device, whatever it is called.
    let device = try Issuer(folder, "signer-7", options: ["-config", plain])
    #expect(try allEntries(device.certificatePath).compactMap(pem).count == 1)
  }
}
