import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CertRegClient

/// Private keys never leave certregctl, in whatever form they come.
@Suite struct SecretTests {
  @Test func `no private key reaches the socket, a report, a kept failure or the terminal`() throws {
    let folder = try TemporaryFolder()
    let key = try SecretKey(folder)
    let seen = Mutex("")
    let daemon = try FakeDaemon(answering: { request in
      seen.withLock { $0 += request.serialized() }
      return JSON.failure(request)
    })
    let files = key.files
    let marks = key.marks
    #expect(files.count >= 40)
    for file in files {
      seen.withLock { $0 = "" }
      let place = try TemporaryFolder()
      let path = try place.write(file.name, file.content)
      let capture = Capture()
      let report = place.path("r.csv")
      for json in [false, true] {
        let session = Session(socketPath: daemon.path, console: capture.console(), json: json)
        _ = RegisterVerb(paths: [path]).run(session)
        _ = ValidateVerb(paths: [path]).run(session)
        _ = LookupVerb(subjects: [path]).run(session)
      }
      _ = Batch.verb(path, report).run(Session(socketPath: daemon.path, console: capture.console()))
      var written = capture.output + capture.errors + seen.withLock { $0 }
      for name in ["r.csv", "r.failed.jsonl"] {
        guard let text = try? String(contentsOfFile: place.path(name), encoding: .utf8) else { continue }
        written += text
        var status = stat()
        try #require(lstat(place.path(name), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
      }
      let plain = written.replacing("\\n", with: "").replacing("\\/", with: "/")
      for mark in marks where plain.range(of: mark, options: .literal) != nil {
        Issue.record("\(file.name) was told: \(mark)")
      }
      #expect(!plain.contains("BEGIN PRIVATE KEY") && !plain.contains("BEGIN EC PRIVATE"), "\(file.name)")
      let entries = try allEntries(path)
      #expect(
        entries.contains {
          otherContent($0)?.isSecret == true || fault($0)?.contains("private key") == true
            || fault($0)?.contains("PKCS#12") == true
        }, "\(file.name): \(entries)")
    }
  }

  /// What is sent of an encoding that a key was put into is the certificate itself, if anything.
  private func check(_ pieces: [Piece], of certificate: [UInt8], namesKey: Bool = true, _ message: String) {
    #expect(pieces.allSatisfy { $0.certificate.map { $0.der == certificate } ?? true }, "\(message)")
    #expect(!namesKey || pieces.contains { $0.content == .otherContent(.privateKey) }, "\(message): \(pieces)")
  }

  @Test func `no key is sent that stands anywhere within a certificate`() throws {
    let key = try SecretKey(try TemporaryFolder())
    let lines = key.certificate.split(separator: "\n").map(String.init)
    let encoding = try #require(Base64.decodeAnyForm(lines.dropFirst().dropLast().joined().utf8))
    let wrapped = key.pem.map { $0.split(separator: "\n").filter { !$0.hasPrefix("-----") }.map(String.init) }
    let digits = key.der.map { $0.map { hexadecimal(UInt32($0), digits: 2) }.joined() }
    let wrappedDigits = digits.map { digits in
      stride(from: 0, to: digits.count, by: 64).map { String(digits.dropFirst($0).prefix(64)) }
    }
    for (number, form) in (wrapped + digits.map { [$0] } + wrappedDigits).enumerated() {
      for index in 1..<lines.count {
        let block = lines[..<index] + form + lines[index...]
        let message = "form \(number), line \(index)"
        check(Value.pieces((block.joined(separator: "\n") + "\n").utf8), of: encoding, "\(message) of a block")
        // What is no base64 of anything is no value.
        let cell = Value.pieces(block.dropFirst().dropLast().joined(separator: "\n").utf8)
        check(cell, of: encoding, namesKey: !cell.isEmpty, "\(message) of a cell")
      }
    }
    for (number, form) in key.der.enumerated() {
      for offset in encoding.indices {
        let pieces = Piece.pieces(ofDER: encoding[..<offset] + form + encoding[offset...])
        // The first bytes tell that it is to be a certificate.
        check(pieces, of: encoding, namesKey: offset == 0 || offset > 4, "form \(number), byte \(offset)")
      }
    }
  }

  @Test func `no key is sent that has taken the place of a line`() throws {
    let key = try SecretKey(try TemporaryFolder())
    let lines = key.certificate.split(separator: "\n").map(String.init)
    let line = key.pem[3].split(separator: "\n")[1]
    try #require(line.count == 64)
    for index in lines.indices where lines[index].count == 64 {
      var block = lines
      block[index] = String(line)
      let pieces = Value.pieces((block.joined(separator: "\n") + "\n").utf8)
      #expect(pieces.map(\.content) == [.otherContent(.privateKey)], "line \(index)")
    }
  }

  @Test func `no line with the number of a key is sent in place of one of a certificate`() throws {
    let key = try SecretKey(try TemporaryFolder())
    let lines = key.certificate.split(separator: "\n").map(String.init)
    for text in key.pem.prefix(2) {
      for line in text.split(separator: "\n").dropFirst().prefix(2) {
        for index in lines.indices where lines[index].count == 64 {
          var block = lines
          block[index] = String(line)
          let pieces = Value.pieces((block.joined(separator: "\n") + "\n").utf8)
          #expect(pieces.allSatisfy { $0.certificate == nil }, "line \(index) of \(text.prefix(30))")
        }
      }
    }
  }

  @Test func `a block that holds something else is sent nowhere, and neither is one with a line of something else`()
    throws
  {
    let key = try SecretKey(try TemporaryFolder())
    let scalar = Array(key.der[1].dropFirst(7).prefix(32))
    let lines = key.certificate.split(separator: "\n").map(String.init)
    for content in [scalar, [0x1F, 0x8B, 8, 0] + scalar, Array(scalar.reversed())] {
      let pieces = Value.pieces(Sample.pem("CERTIFICATE", content).utf8)
      #expect(pieces.map(\.isDamaged) == [true], "\(pieces)")
    }
    for index in 1..<lines.count {
      for foreign in [
        Base64.encode(scalar), Base64.encode(scalar + scalar.prefix(12)), "key: " + Base64.encode(scalar),
      ] {
        let block = lines[..<index] + [foreign] + lines[index...]
        let pieces = Value.pieces((block.joined(separator: "\n") + "\n").utf8)
        #expect(!pieces.isEmpty)
        let sent = pieces.compactMap(\.certificate?.pem).joined()
        #expect(!sent.contains(Base64.encode(scalar).prefix(40)), "line \(index): \(foreign)")
      }
    }
  }

  @Test func `bytes that are no key are not taken for one`() {
    // In a certificate that cannot be decoded, random bytes can look like a part of a key.
    var generator = SplitMix64.announced("random bytes")
    for _ in 0..<64 {
      let bytes = (0..<16_384).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(!KeyEncoding.isIn(bytes))
    }
  }

  @Test func `the certificates of a signed bundle are taken`() {
    // A SignerInfo begins like a key: with a version before a SEQUENCE (RFC 5652 section 5.3).
    let signer: [UInt8] = [0x30, 0x07, 0x02, 0x01, 0x01, 0x30, 0x02, 0x05, 0x00]
    let certificates = [0xA0, 0x0C] + Sample.certificate(1)
    let data: [UInt8] = [0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]
    let content = [0x02, 0x01, 0x01, 0x31, 0x00] + data + certificates + [0x31, UInt8(signer.count)] + signer
    let signed: [UInt8] = [0x30, UInt8(content.count)] + content
    let type: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
    let body = type + [0xA0, UInt8(signed.count)] + signed
    let text = Sample.pem("PKCS7", [0x30, UInt8(body.count)] + body)
    #expect(Value.pieces(text.utf8).map { $0.certificate?.pem } == [Sample.certificatePEM(1)])
  }
}
