import CertRegClient
import CertRegCodec
import Foundation
import Glibc
import Synchronization

/// A daemon of a few lines: a listening socket in a folder of its own and a thread for each connection.
final class FakeDaemon: Sendable {
  let path: String
  private let listener: Listener
  private let folder: TemporaryFolder

  /// What a daemon with the default settings says about itself.
  static let status: [(String, JSON)] = [
    ("version", .string("1")), ("limits", .object([JSON.Member("maxLineBytes", .integer(524_288))])),
    (
      "targets",
      .array([.object([JSON.Member("name", .string("default")), JSON.Member("default", .bool(true))])])
    ),
  ]

  /// - Parameters:
  ///   - status: The members of answers to `status`; `nil`: such requests are served like all others.
  ///   - connections: The listener closes once it has accepted so many.
  ///   - serve: Runs on a thread of its own for each connection, which closes when it returns.
  init(
    status: [(String, JSON)]? = FakeDaemon.status, connections: Int = .max,
    serving serve: @escaping @Sendable (FakePeer) -> Void
  ) throws {
    folder = try TemporaryFolder()
    path = folder.path("s")
    let listener = Listener(try FakeDaemon.listen(at: path))
    self.listener = listener
    Thread.detachNewThread {
      for accepted in 1...connections {
        guard let connection = listener.accept() else { break }
        if accepted == connections { listener.close() }
        Thread.detachNewThread { serve(FakePeer(descriptor: connection, status: status)) }
      }
      listener.close()
    }
  }

  /// A daemon that answers each line by itself; `nil` leaves a line unanswered.
  convenience init(
    status: [(String, JSON)]? = FakeDaemon.status, answering answer: @escaping @Sendable (JSON) -> JSON?
  ) throws {
    try self.init(status: status) { peer in
      while let line = peer.readLine() {
        if let reply = answer(line) { peer.write(reply.serialized() + "\n") }
      }
    }
  }

  deinit { listener.endAccepting() }

  /// A listening socket. Another socket has its number as soon as it is closed. So only the thread that accepts closes
  /// it, and nobody uses it after that.
  private final class Listener: Sendable {
    private let descriptor: Int32
    private let isClosed = Mutex(false)

    init(_ descriptor: Int32) {
      self.descriptor = descriptor
    }

    /// The next connection; `nil` after `endAccepting`.
    func accept() -> Int32? {
      let connection = Glibc.accept(descriptor, nil, nil)
      return connection < 0 ? nil : connection
    }

    /// Called by the thread that accepts.
    func close() {
      isClosed.withLock { isClosed in
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
      }
    }

    func endAccepting() {
      isClosed.withLock { isClosed in
        if !isClosed { shutdown(descriptor, Int32(SHUT_RDWR)) }
      }
    }
  }

  static func listen(at path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
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
  private let status: [(String, JSON)]?
  private var buffer: [UInt8] = []

  init(descriptor: Int32, status: [(String, JSON)]? = nil) {
    self.descriptor = descriptor
    self.status = status
  }

  deinit { close(descriptor) }

  /// The next request; `nil` when the client has ended its side. Answers to `status` are written on the way.
  func readLine() -> JSON? {
    while let line = readAnyLine() {
      guard let status, line["op"]?.string == "status" else { return line }
      write(JSON.answer(to: line, status).serialized() + "\n")
    }
    return nil
  }

  private func readAnyLine() -> JSON? {
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
