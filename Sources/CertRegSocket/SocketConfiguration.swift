package import CertRegCore

/// Limits of the socket, and the targets that requests can name.
package struct SocketConfiguration: Sendable {
  /// Requests under way on one connection, at most.
  package var window = 64
  /// A longer line is refused and its connection closed.
  package var maxLineBytes = 1 << 20
  /// The limit of open connections. Further ones get `too_many_connections` and are closed. Read only at the start.
  package var maxConnections = 4096
  /// The limit of open connections of one user; `nil`: no limit. Read only at the start.
  package var maxConnectionsPerUser: Int?
  /// Bytes that all connections together may hold in unfinished lines and unanswered requests, beyond `freeBytes` each,
  /// and in unread answers. Read only at the start.
  package var budgetBytes = 32 * 1024 * 1024
  /// Bytes of unanswered requests on one connection, at most; one request is taken whatever its size.
  package var maxBytesUnderWay = 4 * 1024 * 1024
  /// Bytes that a connection may hold without drawing on the common budget.
  package var freeBytes = 16 * 1024
  /// A connection without requests and answers is closed after this time; `nil`: never.
  package var idleTimeout: Duration?
  /// The configured targets; kept in the order of the names.
  package var targets: [Target] = [] {
    didSet { targets.sort { $0.name.lexicographicallyPrecedes($1.name) } }
  }
  /// The target of requests that name none.
  package var defaultTarget = Target("default", number: 1)

  /// Told of each connection that a limit keeps out, with the limit as text for people; called on a socket loop.
  /// Read only at the start.
  package var connectionsExhausted: @Sendable (String) -> Void = { _ in }

  package init() {}

  /// A target that requests can name. A class, because each answer from memory takes one: it costs one reference count.
  package final class Target: Sendable {
    /// Its name, as UTF-8.
    let name: [UInt8]
    /// Its number in the result cache.
    let number: UInt16
    /// The profile of requests that name none; `nil`: their certificates are only registered.
    let profile: DefaultProfile?

    /// - Parameters:
    ///   - name: The target's name.
    ///   - number: Its number in the result cache: see `ResultCache.number(of:)`.
    ///   - profile: `targets.NAME.provision` of the configuration.
    package init(_ name: String, number: UInt16, profile: ProvisioningProfile? = nil) {
      self.name = Array(name.utf8)
      self.number = number
      self.profile = profile.map { DefaultProfile($0) }
    }
  }

  /// The target of that name. The cost grows with the logarithm of the count of targets: there may be thousands.
  func target(named name: UnsafeRawBufferPointer) -> Target? {
    var candidates = targets.startIndex..<targets.endIndex
    while !candidates.isEmpty {
      let middle = candidates.lowerBound + candidates.count / 2
      if targets[middle].name.elementsEqual(name) { return targets[middle] }
      candidates =
        targets[middle].name.lexicographicallyPrecedes(name)
        ? middle + 1..<candidates.upperBound : candidates.lowerBound..<middle
    }
    return nil
  }
}

/// Counts of one event loop since the start. `status` and `metrics` show the sums over all loops.
package struct LoopCounters: Sendable {
  /// Lines with a request or an error in them.
  package var lines = 0
  /// `register` requests answered from the loop's memo.
  package var rememberedAnswers = 0
  /// `register` requests answered from the result cache.
  package var cachedAnswers = 0
  /// Lines answered with `InvalidRequestException` by the parser.
  package var invalidLines = 0
  /// Connections that were accepted.
  package var connectionsOpened = 0
  /// Connections that are open now.
  package var connectionsOpen = 0
  /// Reads that were held back because the window, the budget or the client's own reading was exhausted.
  package var pauses = 0

  package init() {}

  /// `register` requests answered on the loop.
  package var memoryAnswers: Int { rememberedAnswers + cachedAnswers }

  /// The sums of all counts.
  package static func + (left: LoopCounters, right: LoopCounters) -> LoopCounters {
    var sum = left
    sum.lines += right.lines
    sum.rememberedAnswers += right.rememberedAnswers
    sum.cachedAnswers += right.cachedAnswers
    sum.invalidLines += right.invalidLines
    sum.connectionsOpened += right.connectionsOpened
    sum.connectionsOpen += right.connectionsOpen
    sum.pauses += right.pauses
    return sum
  }
}
