import Synchronization

/// Hands notices on. Notices that could come with every call are given once.
final class NoticeSink: Sendable {
  private let onNotice: @Sendable (StoreNotice) -> Void
  private let given = Mutex<Set<StoreNotice.Kind>>([])

  init(_ onNotice: @escaping @Sendable (StoreNotice) -> Void) {
    self.onNotice = onNotice
  }

  /// Gives a notice.
  func give(_ kind: StoreNotice.Kind, _ message: String) {
    onNotice(StoreNotice(kind, message: message))
  }

  /// Gives the first notice of the kind and drops further ones, since the cause lasts.
  func once(_ kind: StoreNotice.Kind, _ message: String) {
    if given.withLock({ $0.insert(kind).inserted }) { give(kind, message) }
  }
}
