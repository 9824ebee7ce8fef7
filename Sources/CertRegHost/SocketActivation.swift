import CSystemd
import Glibc

/// A listening socket that the service manager opened for the daemon.
package struct PassedDescriptor: Hashable, Sendable {
  /// What kind of listening stream socket it is.
  package enum Family: Hashable, Sendable {
    /// `AF_UNIX`, with its path; the path is `nil` for an abstract or unnamed socket.
    case unix(path: String?)
    /// `AF_INET` or `AF_INET6`.
    case internet
  }

  /// Non-blocking and close-on-exec. The server closes it.
  package var descriptor: Int32
  /// `FileDescriptorName=` of the socket unit; by default the unit's name.
  package var name: String
  /// The address family of the socket.
  package var family: Family

  package init(descriptor: Int32, name: String, family: Family) {
    self.descriptor = descriptor
    self.name = name
    self.family = family
  }
}

/// Sockets passed by the service manager (sd_listen_fds(3)).
package enum SocketActivation {
  /// The passed sockets in the order of the manager; none if the process was started in another way.
  ///
  /// Removes `$LISTEN_FDS` and its companions from the environment so that no child process uses them. Since that
  /// changes the environment, call it once, before there are other threads.
  /// - Throws: `unusableDescriptor` for anything that is not a listening stream socket of a known family.
  package static func passedDescriptors() throws(HostError) -> [PassedDescriptor] {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = sd_listen_fds_with_names(1, &names)
    guard count >= 0 else {
      throw HostError(
        .unusableDescriptor, message: "sockets passed by the service manager: \(systemMessage(-count))")
    }
    // sd_listen_fds_with_names(3): the strings and the array were made with malloc(3) and are the caller's.
    defer {
      for index in 0..<Int(count) { free(names?[index]) }
      free(names)
    }
    var passed: [PassedDescriptor] = []
    for index in 0..<Int(count) {
      let descriptor = SD_LISTEN_FDS_START + Int32(index)
      let name = names?[index].map { String(cString: $0) } ?? "unknown"
      passed.append(try describe(descriptor, name: name))
    }
    return passed
  }

  /// Checks that `descriptor` is a listening stream socket, takes it over and makes it non-blocking.
  ///
  /// - Throws: ``HostError`` with `unusableDescriptor` for any other descriptor.
  package static func describe(_ descriptor: Int32, name: String) throws(HostError) -> PassedDescriptor {
    let family: PassedDescriptor.Family
    if sd_is_socket(descriptor, AF_UNIX, Int32(SOCK_STREAM.rawValue), 1) > 0 {
      family = .unix(path: socketPath(of: descriptor))
    } else if sd_is_socket_inet(descriptor, AF_UNSPEC, Int32(SOCK_STREAM.rawValue), 1, 0) > 0 {
      family = .internet
    } else {
      throw HostError(
        .unusableDescriptor,
        message: "descriptor \(descriptor) (\(LogText.escaped(name))) passed by the service manager is not a listening "
          + "stream socket: the socket unit needs ListenStream= and Accept=no")
    }
    // SO_PEERCRED names the process that called listen(2) last, to clients: from now on this one, not the service manager.
    // The kernel caps the queue at net.core.somaxconn.
    if case .unix = family, listen(descriptor, .max) != 0 {
      throw HostError(errno: errno, call: "listen", subject: "descriptor \(descriptor)")
    }
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
      throw HostError(errno: errno, call: "fcntl", subject: "descriptor \(descriptor)")
    }
    return PassedDescriptor(descriptor: descriptor, name: name, family: family)
  }

  /// Accepts the waiting connections, sends each `answer` as far as it takes it without blocking, and closes them.
  ///
  /// For a start that fails and would fail again: the service manager starts the service for a waiting client again and again.
  package static func turnAway(from passed: [PassedDescriptor], with answer: [UInt8]) {
    for socket in passed {
      while true {
        // The sockets are non-blocking: without a client this fails.
        let client = accept(socket.descriptor, nil, nil)
        guard client >= 0 else { break }
        _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        close(client)
      }
    }
  }

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
