import CertRegClient
import CertRegCodec
import Foundation
import Glibc

/// A daemon of a few lines: a listening socket in a folder of its own and a thread for each connection.
final class FakeDaemon: Sendable {
  let path: String
  private let listener: Int32
  private let folder: TemporaryFolder

  /// - Parameter serve: runs on a thread of its own for each connection; the connection closes when it returns.
  init(serving serve: @escaping @Sendable (FakePeer) -> Void) throws {
    folder = try TemporaryFolder()
    path = folder.path("s")
    listener = try FakeDaemon.listen(at: path)
    let descriptor = listener
    Thread.detachNewThread {
      while true {
        let accepted = accept(descriptor, nil, nil)
        guard accepted >= 0 else {
          // Closed by the one thread that uses it: its number might be another listener's by the time of the next accept.
          close(descriptor)
          return
        }
        Thread.detachNewThread { serve(FakePeer(descriptor: accepted)) }
      }
    }
  }

  /// A daemon that answers each line by itself; `nil` leaves it unanswered.
  convenience init(answering answer: @escaping @Sendable (JSON) -> JSON?) throws {
    try self.init { peer in
      while let line = peer.readLine() {
        if let reply = answer(line) { peer.write(reply.serialized() + "\n") }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
  }

  static func listen(at path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, Glibc.listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
    return descriptor
  }
}

/// The daemon's side of one connection. Used by the thread that serves it and by no other.
final class FakePeer {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The next request; `nil` when the client has ended its side.
  func readLine() -> JSON? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        return try? JSON(parsing: line[...])
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return nil }
      buffer.append(contentsOf: chunk[..<count])
    }
  }

  func write(_ text: String) {
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      offset += count
    }
  }
}

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
  let root: String

  init() throws {
    var template = Array("/tmp/certregctl-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func path(_ name: String) -> String { "\(root)/\(name)" }

  /// Writes a file, making the folders on its way, and returns its path.
  @discardableResult
  func write(_ name: String, _ content: [UInt8]) throws -> String {
    let file = path(name)
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(content).write(to: URL(fileURLWithPath: file))
    return file
  }

  @discardableResult
  func write(_ name: String, _ content: String) throws -> String {
    try write(name, Array(content.utf8))
  }
}

/// A console that keeps what is written.
final class Capture {
  private(set) var output = ""
  private(set) var errors = ""
  /// Lets writing of results fail.
  var isFull = false

  /// - Parameter columns: width of a terminal; `nil`: a pipe.
  func console(columns: Int? = nil, colour: Bool = false) -> Console {
    Console(
      output: .init(isTerminal: columns != nil, columns: columns ?? 80, colour: colour) {
        self.output += $0
        return !self.isFull
      },
      errors: .init(isTerminal: columns != nil, columns: columns ?? 80, colour: colour) {
        self.errors += $0
        return true
      })
  }

  var outputLines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Encodings that begin as the real things do; nothing on this side of the socket reads further.
enum Sample {
  /// The beginning of a certificate: a SEQUENCE in a SEQUENCE, `number` making it different from others.
  static func certificate(_ number: UInt8 = 0) -> [UInt8] {
    [0x30, 0x0A, 0x30, 0x08, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, number]
  }

  /// The beginning of a PKCS#8 private key.
  static let privateKey: [UInt8] = [0x30, 0x05, 0x02, 0x01, 0x00, 0x30, 0x00]

  static func pem(_ label: String, _ der: [UInt8]) -> String {
    "-----BEGIN \(label)-----\n\(Data(der).base64EncodedString())\n-----END \(label)-----\n"
  }

  static func certificatePEM(_ number: UInt8 = 0) -> String {
    pem("CERTIFICATE", certificate(number))
  }

  static let id = String(repeating: "7d", count: 32)
  static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/" + id
}

extension JSON {
  /// An answer to `request` with these members.
  static func answer(to request: JSON, _ members: [(String, JSON)]) -> JSON {
    .object([JSON.Member("id", request["id"] ?? .null)] + members.map { JSON.Member($0.0, $0.1) })
  }

  static func created(_ request: JSON, cached: Bool = false, outcome: String = "created") -> JSON {
    answer(
      to: request,
      [
        ("certificateArn", .string(Sample.arn)), ("certificateId", .string(Sample.id)), ("outcome", .string(outcome)),
        ("status", .string("ACTIVE")), ("cached", .bool(cached)), ("target", .string("default")),
      ])
  }

  static func failure(
    _ request: JSON, type: String = "CertificateValidationException", reason: String = "weak_rsa_key",
    message: String = "RSA key has 1024 bits; at least 2048 are required", retryable: Bool = false
  ) -> JSON {
    answer(
      to: request,
      [
        (
          "error",
          .object([
            JSON.Member("type", .string(type)), JSON.Member("httpStatus", .integer(400)),
            JSON.Member("reason", .string(reason)), JSON.Member("message", .string(message)),
            JSON.Member("retryable", .bool(retryable)), JSON.Member("origin", .string("daemon")),
          ])
        )
      ])
  }
}
