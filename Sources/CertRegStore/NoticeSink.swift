import Synchronization

/// Hands notices on, those that could come with every call only once.
final class NoticeSink: Sendable {
  private let onNotice: @Sendable (StoreNotice) -> Void
  private let given = Mutex<Set<StoreNotice.Kind>>([])

  init(_ onNotice: @escaping @Sendable (StoreNotice) -> Void) {
    self.onNotice = onNotice
  }

  func give(_ kind: StoreNotice.Kind, _ message: String) {
    onNotice(StoreNotice(kind, message: message))
  }

  /// Only the first notice of the kind: what causes it lasts.
  func once(_ kind: StoreNotice.Kind, _ message: String) {
    if given.withLock({ $0.insert(kind).inserted }) { give(kind, message) }
  }
}
