import Glibc
import Testing

/// A blocking TCP connection to 127.0.0.1 that sends raw bytes and parses answers.
final class LoopbackClient {
  private let descriptor: Int32
  private var unread: [UInt8] = []

  struct Answer {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: String
  }

  struct ConnectionRefused: Error {
    var code: Int32
  }

  /// - Throws: `ConnectionRefused` if no server listens.
  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw ConnectionRefused(code: errno) }
  }

  deinit {
    close(descriptor)
  }

  func send(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      try #require(count > 0, "cannot send: \(errno)")
      rest = rest.dropFirst(count)
    }
  }

  func sendRequest(_ method: String, _ target: String, body: String = "", headers: String = "") throws {
    try send("\(method) \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
  }

  /// Reads the next answer.
  func receive() throws -> Answer {
    var answer = try receiveHead()
    let length = answer.headers["content-length"].flatMap(Int.init) ?? 0
    while unread.count < length { try #require(try fill(), "the connection ended inside an answer") }
    answer.body = String(decoding: unread.prefix(length), as: UTF8.self)
    unread.removeFirst(length)
    return answer
  }

  /// Reads the next answer, which must have no body.
  func receiveHead() throws -> Answer {
    let separator = Array("\r\n\r\n".utf8)
    var end = position(of: separator)
    while end == nil {
      try #require(try fill(), "the connection ended before an answer")
      end = position(of: separator)
    }
    let headEnd = try #require(end)
    let lines = String(decoding: unread[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    unread.removeFirst(headEnd + separator.count)
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return Answer(status: try #require(status), headers: headers, body: "")
  }

  /// Whether the server closed the connection without sending anything.
  func isAtEnd() throws -> Bool {
    try unread.isEmpty && !fill()
  }

  /// Whether the server reset the connection without sending anything.
  func isReset() -> Bool {
    var byte: UInt8 = 0
    return unread.isEmpty && recv(descriptor, &byte, 1, 0) < 0 && errno == ECONNRESET
  }

  private func fill() throws -> Bool {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count < 0, errno == ECONNRESET { return false }
    try #require(count >= 0, "cannot receive: \(errno)")
    unread += piece.prefix(count)
    return count > 0
  }

  private func position(of separator: [UInt8]) -> Int? {
    unread.indices.first { unread[$0...].starts(with: separator) }
  }
}
