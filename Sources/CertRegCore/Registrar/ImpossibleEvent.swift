/// An event that a state machine does not allow in its state: a fault of this program.
package struct ImpossibleEvent: Hashable, Sendable {
  /// The event.
  package var event: String
  /// The state that excludes it.
  package var state: String
}
