import NIOCore
import Synchronization

/// The open connections for scrapes. A connection too many takes the place of the oldest one that has asked for nothing
/// yet; if all have asked, of the one that asked least recently. Silent connections of a local user therefore neither
/// keep Prometheus out nor end its connection.
final class ScrapeConnections: Sendable {
  fileprivate struct Open: Sendable {
    /// Connections that have asked for nothing, the oldest first.
    var silent: [any Channel] = []
    /// The others, the one that asked least recently first.
    var served: [any Channel] = []
  }

  private let limit: Int
  private let open = Mutex(Open())

  /// - Parameter limit: The most connections at once.
  init(limit: Int) {
    self.limit = limit
  }

  /// A connection begins.
  func enter(_ channel: any Channel) {
    let replaced: (any Channel)? = open.withLock { open in
      open.silent.append(channel)
      guard open.silent.count + open.served.count > limit else { return nil }
      return open.silent.count > 1 || open.served.isEmpty ? open.silent.removeFirst() : open.served.removeFirst()
    }
    replaced?.close(promise: nil)
  }

  /// A connection has sent a request.
  func requested(_ channel: any Channel) {
    open.withLock { open in
      guard open.remove(channel) else { return }
      open.served.append(channel)
    }
  }

  /// A connection has ended.
  func leave(_ channel: any Channel) {
    open.withLock { open in _ = open.remove(channel) }
  }
}

extension ScrapeConnections.Open {
  /// Takes out a connection; returns whether it was there.
  fileprivate mutating func remove(_ channel: any Channel) -> Bool {
    if let index = silent.firstIndex(where: { $0 === channel }) {
      silent.remove(at: index)
      return true
    }
    guard let index = served.firstIndex(where: { $0 === channel }) else { return false }
    served.remove(at: index)
    return true
  }
}
