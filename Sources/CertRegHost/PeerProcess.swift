import CSystemd
import Glibc
import Synchronization

/// The systemd unit of a peer.
package enum PeerUnit: Hashable, Sendable {
  /// The system unit, such as `nginx.service`.
  case unit(String)
  /// systemd does not manage the peer.
  case none
  /// The unit could not be told, for the reason given: the peer has ended, or neither /proc nor the control groups show
  /// it.
  case unknown(String)
}

/// The process of a peer, held by a pidfd: a process number can be given to another process once its owner has ended, a
/// pidfd cannot.
package final class PeerProcess: Sendable {
  /// Whether the kernel keeps the process of a peer with the socket (`SO_PEERPIDFD`, since Linux 6.5): then a process
  /// can be held at any time while the socket is open. On older kernels its number may be another process's by then.
  package static let isKeptWithSocket: Bool = {
    var pair: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      return false
    }
    defer { for end in pair { close(end) } }
    guard let handle = handle(ofPeer: pair[0]) else { return errno != ENOPROTOOPT }
    close(handle)
    return true
  }()

  private let number: Int32
  private let handle: Int32

  /// Takes hold of the process that connected the other end of `descriptor`.
  ///
  /// - Parameters:
  ///   - descriptor: The connected socket.
  ///   - number: The process's number, from `PeerCredentials`. Where `isKeptWithSocket` is `false`, the connection has
  ///     to be a new one.
  /// - Returns: `nil` where the process has ended or cannot be seen from here, or no descriptor is left.
  package init?(peerOf descriptor: Int32, number: Int32) {
    guard number > 0 else { return nil }
    if let handle = Self.handle(ofPeer: descriptor) {
      self.handle = handle
    } else {
      guard errno == ENOPROTOOPT else { return nil }
      // Older kernels: the number could have been given away between connect(2) and here, and not later.
      handle = certreg_pidfd_open(number)
      guard handle >= 0 else { return nil }
    }
    self.number = number
  }

  /// A pidfd of the peer's process; `nil`, with `errno`, where there is none.
  private static func handle(ofPeer descriptor: Int32) -> Int32? {
    let option: Int32 = 77  // SO_PEERPIDFD of asm-generic/socket.h
    var handle: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, option, &handle, &length) == 0 ? handle : nil
  }

  deinit {
    close(handle)
  }

  /// Looks up the process's unit. Reads files of /proc or of the control groups, and may walk through all of these.
  package func unit() -> PeerUnit {
    let unit = lookUp()
    // The number was the process's own during the look-up where the process is still there after it.
    return hasEnded ? .unknown("the peer has ended") : unit
  }

  private func lookUp() -> PeerUnit {
    var name: UnsafeMutablePointer<CChar>?
    let result = sd_pid_get_unit(number, &name)
    defer { free(name) }
    switch result {
    case 0...: return name.map { .unit(String(cString: $0)) } ?? .none
    case -ENODATA: return .none
    default:
      // ProtectProc=invisible hides the process's entry in /proc.
      return Self.controlGroups.withLock { $0.unit(of: number) }.map { .unit($0) } ?? .unknown(systemMessage(-result))
    }
  }

  /// The groups of earlier peers make the next look-up cheap.
  private static let controlGroups = Mutex(ControlGroups())

  /// A pidfd becomes readable when its process ends (pidfd_open(2)).
  private var hasEnded: Bool {
    var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0
  }
}
