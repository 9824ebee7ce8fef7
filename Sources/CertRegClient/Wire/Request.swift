import CertRegCodec

/// One request to the daemon, without its `id`: the connection numbers what it sends.
package struct Request: Hashable, Sendable {
  /// The longest line that is sent to a daemon that does not tell its limit.
  package static let defaultMaximumLineBytes = 512 * 1024
  /// Room for the longest `id`.
  private static let idBytes = 20

  /// What is asked for.
  let operation: String
  /// The names of an array of targets; `nil` where the request has no array.
  let targets: [String]?
  /// The members as the wire has them, without the opening brace.
  private let body: String

  /// A request for `operation` with those of `members` that have a value.
  package init(_ operation: String, _ members: [(name: String, value: JSON?)] = []) {
    var present = [JSON.Member("op", .string(operation))]
    for (name, value) in members {
      if let value { present.append(JSON.Member(name, value)) }
    }
    self.operation = operation
    targets = members.first { $0.name == "target" }?.value?.array?.compactMap(\.string)
    body = String(JSON.object(present).serialized().dropFirst())
  }

  /// The request as the wire has it: one line, with `id` first and LF at its end.
  package func line(id: Int) -> String {
    "{\"id\":\(id),\(body)\n"
  }

  /// Most bytes that the line can have without its LF: what the daemon's limit counts.
  package var lineBytes: Int {
    "{\"id\":,".utf8.count + Request.idBytes + body.utf8.count
  }
}
