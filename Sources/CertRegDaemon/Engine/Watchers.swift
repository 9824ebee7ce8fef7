import CertRegCore

/// Somebody who is told of every registration that ends.
struct Watcher: Sendable {
  /// Whether it is still to be told.
  var isWanted: @Sendable () -> Bool
  var listener: @Sendable (Ending) -> Void
}

/// All watchers of the engine.
struct Watchers {
  private var watchers: [Watcher] = []

  var count: Int { watchers.count }

  mutating func add(_ watcher: Watcher) {
    removeUnwanted()
    watchers.append(watcher)
  }

  mutating func tell(_ ending: Ending) {
    removeUnwanted()
    for watcher in watchers { watcher.listener(ending) }
  }

  /// Watchers that are gone are looked for before one is added, too, so that they do not pile up while nothing ends.
  private mutating func removeUnwanted() {
    watchers.removeAll { !$0.isWanted() }
  }
}
