package import CertRegCodec

/// One question to the daemon, without its `id`: the connection numbers what it sends.
package struct Request: Hashable, Sendable {
  /// The line limit of a daemon with default settings. A longer line would cost the connection, and with it every answer that
  /// is still due, so such a request is refused here.
  package static let maximumLineBytes = 512 * 1024

  package var members: [JSON.Member]

  /// A request for `operation` with those of `members` that have a value.
  package init(_ operation: String, _ members: [(name: String, value: JSON?)] = []) {
    self.members = [JSON.Member("op", .string(operation))]
    for (name, value) in members {
      if let value { self.members.append(JSON.Member(name, value)) }
    }
  }

  /// The request as the wire has it: one line, with `id` first and LF at its end.
  package func line(id: Int) -> String {
    JSON.object([JSON.Member("id", .integer(id))] + members).serialized() + "\n"
  }
}
