import Foundation
import Testing

@testable import CertRegClient

/// Certificates without basic constraints, whose issuers only names and signatures tell.
@Suite struct IssuerSearchTests {
  private let folder: TemporaryFolder
  private let configuration: String

  init() throws {
    folder = try TemporaryFolder()
    configuration = try folder.write("plain.cnf", "[req]\ndistinguished_name = name\n[name]\n")
  }

  private func openssl(_ arguments: [String]) throws {
    let result = Program.run(
      ["openssl"] + arguments, environment: ProcessInfo.processInfo.environment, timeout: .seconds(60))
    try #require(result?.status == 0, "openssl is needed for this test")
  }

  private func text(_ file: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: folder.path(file))), as: UTF8.self)
  }

  /// A certificate that its own key has signed. A key that exists is used again.
  private func root(_ file: String, name: String, key: String? = nil) throws -> String {
    let own =
      key.map { ["-key", folder.path("\($0).key")] }
      ?? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder.path("\(file).key")]
    try openssl(
      ["req", "-x509", "-config", configuration, "-subj", "/CN=\(name)", "-out", folder.path("\(file).crt")] + own)
    return try text("\(file).crt")
  }

  /// A certificate that the key of another one has signed.
  private func device(_ file: String, name: String, signedBy issuer: String) throws -> String {
    let request = folder.path("\(file).csr")
    try openssl([
      "req", "-new", "-config", configuration, "-subj", "/CN=\(name)", "-newkey", "ec", "-pkeyopt",
      "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder.path("\(file).key"), "-out", request,
    ])
    try openssl([
      "x509", "-req", "-in", request, "-CA", folder.path("\(issuer).crt"), "-CAkey", folder.path("\(issuer).key"),
      "-set_serial", "7", "-out", folder.path("\(file).crt"),
    ])
    return try text("\(file).crt")
  }

  @Test func `takes a certificate for an issuer by its signature, and not by its name alone`() throws {
    let issuer = try root("issuer", name: "factory")
    let namesake = try root("namesake", name: "factory")
    let device = try device("device", name: "device-1", signedBy: "issuer")
    #expect(try fileEntries("a.pem", issuer + device).map(pem) == [nil, device])
    #expect(try fileEntries("a.pem", namesake + device).map(pem) == [namesake, device])
    #expect(try fileEntries("a.pem", device + namesake + issuer).map(pem) == [device, namesake, nil])
    // In another column, too.
    func cell(_ text: String) -> String { "\"\(text)\"" }
    let rows =
      [cell(device), cell(namesake)].joined(separator: ",") + "\n"
      + [cell(device), cell(issuer)].joined(separator: ",")
    #expect(try fileEntries("a.csv", "cert,other\n\(rows)\n").compactMap(otherContent) == [.notSelected, .issuer])
  }

  @Test func `finds the issuer of units that have no names`() throws {
    let issuer = try root("issuer", name: "factory")
    let devices = try (1...2).map { try device("device\($0)", name: "device-\($0)", signedBy: "issuer") }
    let base64 = { (text: String) in text.split(separator: "\n").dropFirst().dropLast().joined() }
    let member = { (text: String) in "{\"certificatePem\":\"\(text.replacing("\n", with: "\\n"))\"}" }
    let all = [devices[0], issuer, devices[1]]
    let sources: [(name: String, text: String)] = [
      ("a.txt", all.map { base64($0) + "\n" }.joined()),
      ("a.csv", "cert,hall\n" + all.map { base64($0) + ",7\n" }.joined()),
      ("a.json", "[" + all.map(member).joined(separator: ",") + "]"),
      ("a.jsonl", all.map { member($0) + "\n" }.joined()),
    ]
    for source in sources {
      let found = try fileEntries(source.name, source.text)
      #expect(found.compactMap(pem) == devices, "\(source.name)")
      #expect(found.compactMap(otherContent) == [OtherContent.issuer], "\(source.name)")
    }
    // What has the name of a device is one, and what is asked for is taken.
    let named = "id,cert\n" + all.map { "gw,\(base64($0))\n" }.joined()
    #expect(try fileEntries("a.csv", named).compactMap(pem) == all)
    var options = InputOptions()
    options.includesAuthorities = true
    #expect(try fileEntries("a.txt", all.map { base64($0) + "\n" }.joined(), options).compactMap(pem) == all)
  }

  @Test func `units of a long file are not held back`() throws {
    let issuer = try root("issuer", name: "factory")
    let device = try device("device", name: "device-1", signedBy: "issuer")
    let line = { (text: String) in text.split(separator: "\n").dropFirst().dropLast().joined() + "\n" }
    let text = line(issuer) + String(repeating: line(device), count: DeviceChoice.window)
    let found = try fileEntries("a.txt", text)
    #expect(found.count == DeviceChoice.window + 1 && found.compactMap(pem).first == issuer)
  }

  @Test func `finds the issuer of a device with the same name`() throws {
    let issuer = try root("issuer", name: "factory")
    let device = try device("device", name: "factory", signedBy: "issuer")
    #expect(try fileEntries("a.pem", issuer + device).map(pem) == [nil, device])
    #expect(try fileEntries("a.pem", device + issuer).map(pem) == [device, nil])
    // A certificate that was renewed with the same key issued nothing.
    let renewed = try root("renewed", name: "factory", key: "issuer")
    #expect(try fileEntries("a.pem", issuer + renewed).map(pem) == [issuer, renewed])
  }
}
