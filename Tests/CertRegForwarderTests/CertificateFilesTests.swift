import CertRegCore
import Foundation
import Glibc
import NIOSSL
import Testing

@testable import CertRegForwarder

@Suite struct CertificateFilesTests {
  @Test func `parses a file once for all targets, and again when it was replaced`() throws {
    let identity = try IssuedIdentity(
      keyArguments: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], commonName: "authority")
    defer { identity.remove() }
    let pem = try String(contentsOfFile: identity.certificateFile, encoding: .utf8)
    let memory = MemoryFiles(["/ca.pem": pem])
    let files = CertificateFiles(memory.files)
    for _ in 0..<1000 { #expect(try files.certificates("/ca.pem").count == 1) }
    #expect(memory.reads == 1)
    memory.write("/ca.pem", pem + pem)
    #expect(try files.certificates("/ca.pem").count == 2)
  }

  @Test func `a pipe, a folder and text without certificates are errors`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let pipe = folder.appending(path: "pipe").path
    try #require(mkfifo(pipe, 0o600) == 0)
    let writer = open(pipe, O_RDWR | O_CLOEXEC)
    defer { close(writer) }
    for path in [pipe, folder.path, "/dev/null", "/no/such/file"] {
      #expect(throws: TransportConfigurationError.self, "\(path)") {
        _ = try CertificateFiles().certificates(path)
      }
    }
  }

  @Test func `an endpoint has no query`() {
    #expect(throws: EndpointError.self) { _ = try ServiceEndpoint.iot(region: nil, customURL: "http://h/?apikey=x") }
  }
}
