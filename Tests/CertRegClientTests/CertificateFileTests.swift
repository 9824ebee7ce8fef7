import CertRegClient
import CertRegCore
import Testing

@Suite struct CertificateFileTests {
  private func file(_ text: String) throws -> CertificateFile {
    try CertificateFile(content: Array(text.utf8))
  }

  @Test func `takes one PEM block without what is around it`() throws {
    let file = try file("Subject: CN=x\n" + Sample.certificatePEM() + "\ntext after\n")
    #expect(file.entries == [.init(number: nil, pem: Sample.certificatePEM())])
    #expect(file.leftOut.isEmpty)
  }

  @Test func `numbers the certificates of a bundle and leaves keys out`() throws {
    let text =
      Sample.pem("EC PARAMETERS", [6, 0]) + Sample.pem("EC PRIVATE KEY", Sample.privateKey) + Sample.certificatePEM(1)
      + Sample.pem("PRIVATE KEY", Sample.privateKey) + Sample.certificatePEM(2)
    let file = try file(text)
    #expect(file.entries.map(\.number) == [1, 2])
    #expect(file.entries.map(\.pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    #expect(file.leftOut == ["an EC PARAMETERS block", "2 private keys"])
  }

  @Test(arguments: ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"])
  func `never takes a private key for a certificate`(label: String) throws {
    let error = #expect(throws: InputError.self) { try self.file(Sample.pem(label, Sample.privateKey)) }
    #expect(error?.code == .otherContent)
    // A certificate's first line with a key's last one is what a careless edit leaves behind.
    let mixed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END \(label)-----\n"
    #expect(throws: InputError.self) { try self.file(mixed) }
    // A certificate without an end must not take the key that follows with it.
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n" + Sample.pem(label, Sample.privateKey)
    let entries = try file(cut).entries
    #expect(entries.map(\.pem) == ["-----BEGIN CERTIFICATE-----\nAAAA\n"])
  }

  @Test(arguments: [
    Sample.privateKey, [0x30, 0x09, 0x30, 0x05, 0x06, 0x03, 0x2A, 0x03, 0x04, 0x04, 0x00],
    [0x30, 0x03, 0x02, 0x01, 0x03],
  ])
  func `never takes a DER key or PKCS#12 file for a certificate`(der: [UInt8]) {
    #expect(throws: InputError.self) { try CertificateFile(content: der) }
  }

  @Test func `turns DER and bare base64 into PEM`() throws {
    let expected = [CertificateFile.Entry(number: nil, pem: Sample.certificatePEM(7))]
    #expect(try CertificateFile(content: Sample.certificate(7)).entries == expected)
    let base64 = Sample.certificatePEM(7).split(separator: "\n")[1]
    #expect(try file(" \(base64)\r\n").entries == expected)
  }

  @Test func `reads CR LF, a byte-order mark and UTF-16`() throws {
    let expected = [Sample.certificatePEM()]
    let windows = Sample.certificatePEM().split(separator: "\n").joined(separator: "\r\n") + "\r\n"
    #expect(try file(windows).entries.map(\.pem) == expected)
    #expect(try file("\u{FEFF}" + Sample.certificatePEM()).entries.map(\.pem) == expected)
    let units = Array(("\u{FEFF}" + windows).utf16)
    #expect(
      try CertificateFile(content: units.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }).entries.map(\.pem) == expected)
    #expect(
      try CertificateFile(content: units.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }).entries.map(\.pem) == expected)
  }

  @Test func `leaves to the daemon what only looks like a certificate`() throws {
    for text in ["hello\n", "-----BEGIN CERTIFICATE-----\nAA\n", Sample.pem("X509 CERTIFICATE", [1])] {
      #expect(try file(text).entries.map(\.pem) == [text])
    }
  }

  @Test(arguments: [[], Array(" \n".utf8), [0x00, 0x01, 0x02], Array(Sample.pem("PKCS7", [0x30, 0]).utf8)])
  func `says when there is no certificate`(content: [UInt8]) {
    let error = #expect(throws: InputError.self) { try CertificateFile(content: content) }
    #expect(error?.exitStatus == .dataError)
  }

  @Test func `never crashes on cut or changed files`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let originals = [Sample.certificate(), Array((Sample.certificatePEM(1) + Sample.certificatePEM(2)).utf8)]
    for _ in 0..<2000 {
      var bytes = originals.randomElement(using: &generator) ?? []
      bytes.removeLast(Int.random(in: 0...min(30, bytes.count - 1), using: &generator))
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      if let file = try? CertificateFile(content: bytes) { #expect(!file.entries.isEmpty, "seed \(seed)") }
    }
  }
}

@Suite struct CertificateInputsTests {
  private func elements(_ paths: [String]) -> [CertificateInputs.Element] {
    var inputs = CertificateInputs(paths)
    var elements: [CertificateInputs.Element] = []
    while let element = inputs.next() { elements.append(element) }
    return elements
  }

  @Test func `walks folders in order and passes over what is no certificate`() throws {
    let folder = try TemporaryFolder()
    try folder.write("b.pem", Sample.certificatePEM(2))
    try folder.write("a/z.der", Sample.certificate(1))
    try folder.write("a/key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    try folder.write("a/notes.txt", "nothing")
    try folder.write(".hidden.pem", Sample.certificatePEM(9))
    try folder.write("c.bin", Sample.certificatePEM(3) + Sample.certificatePEM(4))
    let root = folder.root
    #expect(
      elements([root]) == [
        .note(name: "\(root)/a/key.pem", "passed over: holds no certificate, only a private key"),
        .note(name: "\(root)/a/notes.txt", "passed over: no certificate in it"),
        .certificate(name: "\(root)/a/z.der", pem: Sample.certificatePEM(1)),
        .certificate(name: "\(root)/b.pem", pem: Sample.certificatePEM(2)),
        .certificate(name: "\(root)/c.bin#1", pem: Sample.certificatePEM(3)),
        .certificate(name: "\(root)/c.bin#2", pem: Sample.certificatePEM(4)),
      ])
  }

  @Test func `an empty or damaged certificate file in a folder is a failure`() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.pem", "")
    try folder.write("b.der", [0x00, 0x01])
    let found = elements([folder.root])
    #expect(found.count == 2)
    for case .failure(_, let error) in found { #expect(error.code == .noCertificate) }
    #expect(!found.contains { if case .failure = $0 { false } else { true } })
  }

  @Test func `tells each argument that brings nothing and goes on`() throws {
    let folder = try TemporaryFolder()
    let key = try folder.write("key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    let good = try folder.write("good.pem", Sample.certificatePEM())
    try folder.write("empty/.keep", "")
    let found = elements([folder.path("none"), key, folder.path("empty"), good])
    guard case .failure(let missing, let first) = found[0], case .failure(let keyName, let second) = found[1],
      case .failure(let emptyName, let third) = found[2]
    else {
      Issue.record("three failures expected, not \(found)")
      return
    }
    #expect([missing, keyName, emptyName] == [folder.path("none"), key, folder.path("empty")])
    #expect([first.code, second.code, third.code] == [.unreadable, .otherContent, .noCertificate])
    #expect(found[3...] == [.certificate(name: good, pem: Sample.certificatePEM())])
  }
}
