import CLibPQ

/// libpq, which is loaded when it is first used.
enum LibPQ {
  /// The functions, which stay for the life of the process.
  static func load() throws(DatabaseFailure) -> UnsafePointer<certreg_libpq> {
    var reason: UnsafePointer<CChar>?
    guard let functions = certreg_libpq_load(&reason) else {
      let why = reason.map { String(cString: $0) } ?? "unknown"
      throw DatabaseFailure(.notLoaded, "libpq cannot be loaded (the package libpq5): \(why)")
    }
    return functions
  }
}

/// A failure of the database, or of the way to it.
package struct DatabaseFailure: Error, Hashable, Sendable {
  /// What failed.
  package enum Kind: Hashable, Sendable {
    /// libpq is not installed.
    case notLoaded
    /// No connection, or one that broke or was too slow.
    case connection
    /// The database refused the identity or the right.
    case refused
    /// The statement failed; the code is PostgreSQL's SQLSTATE.
    case statement(code: String)
  }

  package var kind: Kind
  /// In the words of libpq or the server, on one line.
  package var message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message.split(whereSeparator: \.isNewline).map { $0.trimmingSpaces }.joined(separator: "; ")
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var text = self
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}
