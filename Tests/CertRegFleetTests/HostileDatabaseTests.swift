import CertRegCore
import Foundation
import Glibc
import Testing

@testable import CertRegFleet

/// A server that speaks as much of PostgreSQL's protocol
/// (https://www.postgresql.org/docs/current/protocol-message-formats.html) as it takes to answer a client badly.
private final class FakePostgreSQL: Sendable {
  /// What it does with a client.
  enum Manner: Sendable {
    /// Asks for the password, and refuses it by name.
    case repeatsPassword
    /// Answers the first statements with rows of a MiB, and never ends.
    case neverEnds
  }

  let port: UInt16
  private let listener: Int32

  init(_ manner: Manner) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 4) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(isListening)
    port = UInt16(bigEndian: address.sin_port)
    self.listener = listener
    Thread {
      while case let client = accept(listener, nil, nil), client >= 0 {
        serve(client, manner)
        close(client)
      }
      // Not before: the next server may get its number, whose clients this thread would then answer.
      close(listener)
    }.start()
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

private func message(_ type: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] {
  [UInt8(ascii: type)] + withUnsafeBytes(of: UInt32(body.count + 4).bigEndian, Array.init) + body
}

private func send(_ client: Int32, _ bytes: [UInt8]) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    guard count > 0 else { return false }
    rest = rest.dropFirst(count)
  }
  return true
}

/// Reads one message of the client, as far as it comes at once.
private func receive(_ client: Int32) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: 65536)
  let count = recv(client, &buffer, buffer.count, 0)
  return Array(buffer.prefix(max(0, count)))
}

private func serve(_ client: Int32, _ manner: FakePostgreSQL.Manner) {
  // The question for encryption, or the start itself.
  var start = receive(client)
  if start.count == 8 {
    guard send(client, Array("N".utf8)) else { return }
    start = receive(client)
  }
  guard !start.isEmpty else { return }
  switch manner {
  case .repeatsPassword:
    guard send(client, message("R", [0, 0, 0, 3])) else { return }
    let given = receive(client)
    guard given.count > 6 else { return }
    let words =
      "FATAL:  no such user:\u{1b}[31m you said " + String(decoding: given[5..<(given.count - 1)], as: UTF8.self)
    _ = send(client, message("E", Array("SFATAL\0C28P01\0M\(words)\0\0".utf8)))
  case .neverEnds:
    guard send(client, message("R", [0, 0, 0, 0]) + message("Z", Array("I".utf8))), !receive(client).isEmpty else {
      return
    }
    let value = [UInt8](repeating: 0, count: 1 << 20)
    let row = message("D", [0, 1] + withUnsafeBytes(of: UInt32(value.count).bigEndian, Array.init) + value)
    let column = Array("a\0".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 255, 255, 255, 255, 255, 255, 0, 1]
    guard send(client, message("1", []) + message("t", [0, 0]) + message("2", []) + message("T", [0, 1] + column))
    else { return }
    while send(client, row) {}
  }
}

@Suite struct HostileDatabaseTests {
  private func problem(_ server: FakePostgreSQL, passwordFile: String? = nil) throws -> FleetProblem? {
    let database = FleetDatabase(
      FleetLocation(
        url: try FleetURL("postgresql://certregd@127.0.0.1:\(server.port)/fleet?sslmode=disable"),
        passwordFile: passwordFile),
      FleetIdentity(name: "m1", instance: "i", takeover: .seconds(120)))
    do throws(FleetProblem) {
      _ = try database.join(sent: 0)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a server's words are told without the password that it repeats`() throws {
    let server = try FakePostgreSQL(.repeatsPassword)
    let file = FileManager.default.temporaryDirectory.appending(path: "password-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try #require(
      FileManager.default.createFile(
        atPath: file, contents: Data("correct-horse-battery\n".utf8), attributes: [.posixPermissions: 0o600]))
    let problem = try #require(try problem(server, passwordFile: file))
    #expect(problem.message.contains("you said [removed]"))
    #expect(!problem.message.contains("horse"))
    #expect(!problem.message.contains("\u{1b}"))
  }

  @Test func `an answer without an end is given up before it fills the memory`() throws {
    let server = try FakePostgreSQL(.neverEnds)
    let problem = try #require(try problem(server))
    #expect(problem.message.contains("128 MiB"), "\(problem.message)")
  }

  @Test(arguments: [0, 1, 500, 513, 100_000])
  func `words of any length are cut`(length: Int) {
    let failure = DatabaseFailure(.connection, String(repeating: "é", count: length))
    #expect(failure.message.count <= 513)
  }
}
