import CSystemd
import Glibc

/// A listening Unix stream socket that the service manager opened for the daemon.
package struct PassedDescriptor: Hashable, Sendable {
  /// Non-blocking and close-on-exec. The server closes it.
  package var descriptor: Int32
  /// `FileDescriptorName=` of the socket unit; by default the unit's name.
  package var name: String
  /// The path that the socket is bound to; `nil` for an abstract or unnamed socket.
  package var path: String?

  package init(descriptor: Int32, name: String, path: String?) {
    self.descriptor = descriptor
    self.name = name
    self.path = path
  }
}

/// The sockets that the service manager passed to the process.
package struct PassedSockets: Sendable {
  /// Sockets that the daemon can serve, in the order of the manager; none if the process was started in another way.
  package var usable: [PassedDescriptor]
  /// Why the daemon cannot start: a socket that it cannot serve. The manager would keep that socket open, and its
  /// clients would wait for ever.
  package var problem: HostError?

  package init(usable: [PassedDescriptor] = [], problem: HostError? = nil) {
    self.usable = usable
    self.problem = problem
  }
}

/// Sockets passed by the service manager (sd_listen_fds(3)).
package enum SocketActivation {
  /// Takes over the passed sockets.
  ///
  /// Removes `$LISTEN_FDS` and its companions from the environment so that no child process uses them. Since that
  /// changes the environment, call it once, before there are other threads.
  package static func takePassedSockets() -> PassedSockets {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = sd_listen_fds_with_names(1, &names)
    guard count >= 0 else {
      return PassedSockets(
        problem: HostError(
          .unusableDescriptor, message: "sockets passed by the service manager: \(systemMessage(-count))"))
    }
    // sd_listen_fds_with_names(3): the strings and the array were made with malloc(3) and are the caller's.
    defer {
      for index in 0..<Int(count) { free(names?[index]) }
      free(names)
    }
    var passed = PassedSockets()
    for index in 0..<Int(count) {
      let descriptor = SD_LISTEN_FDS_START + Int32(index)
      let name = names?[index].map { String(cString: $0) } ?? "unknown"
      do throws(HostError) {
        passed.usable.append(try describe(descriptor, name: name))
      } catch {
        passed.problem = passed.problem ?? error
      }
    }
    return passed
  }

  /// Checks that `descriptor` is a listening Unix stream socket, takes it over and makes it non-blocking. Access rules
  /// need a peer's user, which the kernel tells for Unix sockets alone.
  ///
  /// - Throws: ``HostError`` with `unusableDescriptor` for any other descriptor, `failed` where a system call fails.
  package static func describe(_ descriptor: Int32, name: String) throws(HostError) -> PassedDescriptor {
    guard sd_is_socket(descriptor, AF_UNIX, Int32(SOCK_STREAM.rawValue), 1) > 0 else {
      throw HostError(
        .unusableDescriptor,
        message: "descriptor \(descriptor) (\(LogText.escaped(name))) passed by the service manager is not a listening "
          + "Unix stream socket: the socket unit may have ListenStream= with paths alone, and Accept=no")
    }
    // SO_PEERCRED names the process that called listen(2) last, to clients: from now on this one, not the service
    // manager. The kernel caps the queue at net.core.somaxconn.
    guard listen(descriptor, .max) == 0 else {
      throw HostError(errno: errno, call: "listen", subject: "descriptor \(descriptor)")
    }
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
      throw HostError(errno: errno, call: "fcntl", subject: "descriptor \(descriptor)")
    }
    return PassedDescriptor(descriptor: descriptor, name: name, path: socketPath(of: descriptor))
  }

  /// Accepts the waiting connections, sends each `answer` as far as it takes it without blocking, and closes them.
  ///
  /// For a start that fails and would fail again: the service manager starts the service for a waiting client again and
  /// again. Takes no more than a full backlog of each socket: clients that connect again and again must not keep the
  /// process.
  package static func turnAway(from passed: [PassedDescriptor], with answer: [UInt8]) {
    for socket in passed {
      for _ in 0..<turnedAwayLimit {
        // The sockets are non-blocking: without a client this fails.
        let client = accept(socket.descriptor, nil, nil)
        guard client >= 0 else { break }
        _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        close(client)
      }
    }
  }

  /// The usual net.core.somaxconn, which bounds a backlog.
  private static let turnedAwayLimit = 4096

  /// The path that a Unix socket is bound to.
  private static func socketPath(of descriptor: Int32) -> String? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    guard result == 0, Int(length) > offset else { return nil }
    let bytes = withUnsafeBytes(of: &address) { Array($0[offset..<min(Int(length), $0.count)]) }
    guard let first = bytes.first, first != 0 else { return nil }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
