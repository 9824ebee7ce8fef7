import NIOCore
import Synchronization

/// The open connections for scrapes. A connection too many takes the place of the one that has asked for nothing for
/// the longest time: silent connections of any local user must not keep Prometheus out.
final class ScrapeConnections: Sendable {
  private let limit: Int
  /// In the order of the last request, or of their beginning.
  private let channels = Mutex<[any Channel]>([])

  init(limit: Int) {
    self.limit = limit
  }

  /// A connection begins.
  func enter(_ channel: any Channel) {
    let replaced = channels.withLock { channels in
      channels.append(channel)
      return channels.count > limit ? channels.removeFirst() : nil
    }
    replaced?.close(promise: nil)
  }

  /// A connection has sent a request.
  func requested(_ channel: any Channel) {
    channels.withLock { channels in
      guard let index = channels.firstIndex(where: { $0 === channel }) else { return }
      channels.append(channels.remove(at: index))
    }
  }

  /// A connection has ended.
  func leave(_ channel: any Channel) {
    channels.withLock { channels in channels.removeAll { $0 === channel } }
  }
}
