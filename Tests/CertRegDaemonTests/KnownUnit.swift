import CertRegSocket

/// A peer's unit that is known from the start.
final class KnownUnit: PeerUnitSource {
  private let unit: Peer.Unit

  init(_ unit: Peer.Unit) { self.unit = unit }

  var known: Peer.Unit? { unit }
  func hold(_ descriptor: CInt) {}
  func lookUp() -> Peer.Unit { unit }
}
