package import CertRegCore

/// A result that may be answered, and for how long.
package struct KnownAnswer: Sendable {
  /// The result.
  package var entry: ResultTable.Entry
  /// The part of the ARN before the certificate's ID. `entry.arnPrefix` is the number that it has for the life of the
  /// process.
  package var arnPrefix: String
  /// The certificate's epoch, read before the result was.
  package var epoch: UInt32
  /// The result may be answered from `answerableFrom` to before `expiresAt`, in seconds since 1970.
  package var answerableFrom: UInt32
  /// See `answerableFrom`.
  package var expiresAt: UInt32
  /// The profile that was applied to the certificate; `nil`: none.
  package var provisioned: Provisioned?

  package init(
    entry: ResultTable.Entry, arnPrefix: String, epoch: UInt32, answerableFrom: UInt32, expiresAt: UInt32,
    provisioned: Provisioned?
  ) {
    self.entry = entry
    self.arnPrefix = arnPrefix
    self.epoch = epoch
    self.answerableFrom = answerableFrom
    self.expiresAt = expiresAt
    self.provisioned = provisioned
  }
}

/// Answers the requests of the socket's connections.
package protocol RequestHandling: Sendable {
  /// The client of an accepted connection. Called once, on the connection's event loop: it must not wait for anything.
  ///
  /// - Returns: `nil`: the kernel does not tell. The connection is then closed.
  func peer(ofDescriptor descriptor: CInt) -> Peer?

  /// The known result for a `register` request whose text the loop does not remember. Called on event loops: it has to
  /// be quick.
  ///
  /// - Parameters:
  ///   - certificatePem: The unescaped text.
  ///   - target: The target's number in the result cache.
  ///   - now: The time at which the result is to be valid.
  func known(certificatePem: UnsafeRawBufferPointer, target: UInt16, now: WallTime) -> KnownAnswer?

  /// Takes a request that the loop cannot answer. Called on event loops: it must not wait for anything.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - peer: Its sender.
  ///   - descriptor: The sender's socket, which is open during the call only.
  ///   - reply: Takes the answer, on any thread.
  func handle(_ request: OwnedRequest, from peer: Peer, on descriptor: CInt, reply: Reply)

  /// Whether the loop may answer a peer's repeats from memory, without `handle`. Called on event loops, for a
  /// connection again and again while the answer is `false`: it must not wait for anything.
  func servesFromMemory(_ peer: Peer) -> Bool
}
