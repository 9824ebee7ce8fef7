/// Whose turn a registration takes.
struct Caller: Hashable, Sendable {
  /// The user, as the kernel names it.
  var uid: UInt32
  /// The number of the connection; zero for registrations that an earlier process left.
  var connection: UInt64
}
