import CEpoll
import Glibc

/// Events of a descriptor (epoll_ctl(2)).
struct Readiness: OptionSet, Sendable {
  let rawValue: UInt32

  static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The other end is closed: nothing more can be sent. Always reported.
  static let gone = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
}

/// Waits for many descriptors at once (epoll(7)), level-triggered: an event is reported until it is handled.
struct Poller: ~Copyable {
  private static let eventsAtOnce = 128

  private let descriptor: CInt
  // The kernel writes into this memory; allocated once and freed in deinit.
  private let events: UnsafeMutablePointer<epoll_event>

  /// - Throws: `SystemCallError` where the process has no descriptor left.
  init() throws(SystemCallError) {
    descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw SystemCallError("epoll_create1") }
    events = .allocate(capacity: Self.eventsAtOnce)
  }

  deinit {
    close(descriptor)
    events.deallocate()
  }

  /// - Throws: `SystemCallError`: no memory, or fs.epoll.max_user_watches is reached.
  func add(_ descriptor: CInt, _ interest: Readiness) throws(SystemCallError) {
    guard control(EPOLL_CTL_ADD, descriptor, interest) else { throw SystemCallError("epoll_ctl") }
  }

  /// Changes the events that are reported of an added descriptor. Cannot fail for an open descriptor.
  func modify(_ descriptor: CInt, _ interest: Readiness) {
    _ = control(EPOLL_CTL_MOD, descriptor, interest)
  }

  func remove(_ descriptor: CInt) {
    _ = control(EPOLL_CTL_DEL, descriptor, [])
  }

  private func control(_ operation: CInt, _ descriptor: CInt, _ interest: Readiness) -> Bool {
    var event = epoll_event(events: interest.rawValue, data: epoll_data_t(fd: descriptor))
    return epoll_ctl(self.descriptor, operation, descriptor, &event) == 0
  }

  /// Waits for events, at most `milliseconds` (-1: without end); returns how many there are for `event(at:)`.
  func wait(milliseconds: CInt) -> Int {
    // A signal counts as no event: the caller waits again.
    max(0, Int(epoll_wait(descriptor, events, CInt(Self.eventsAtOnce), milliseconds)))
  }

  func event(at index: Int) -> (descriptor: CInt, readiness: Readiness) {
    (events[index].data.fd, Readiness(rawValue: events[index].events))
  }
}

/// A system call that failed.
package struct SystemCallError: Error, CustomStringConvertible {
  /// Name of the call.
  package let call: String
  /// The value of `errno`.
  package let number: CInt

  init(_ call: String) {
    self.call = call
    number = errno
  }

  package var description: String { "\(call): errno \(number)" }
}
