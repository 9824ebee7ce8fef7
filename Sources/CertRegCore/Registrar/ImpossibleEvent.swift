/// An event that a state machine does not allow in its state: a fault of this program.
package struct ImpossibleEvent: Hashable, Sendable {
  package var event: String
  package var state: String
}
