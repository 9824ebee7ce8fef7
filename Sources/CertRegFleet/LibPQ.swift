import CLibPQ
import CertRegCore

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

  /// Characters of a message that are shown.
  private static let mostCharacters = 512

  /// - Parameters:
  ///   - kind: What failed.
  ///   - message: In whose words ever.
  ///   - secrets: What must not be shown.
  init(_ kind: Kind, _ message: String, without secrets: SecretMask = SecretMask()) {
    self.kind = kind
    // Over several lines, a secret would not be found.
    let lines = message.split(whereSeparator: \.isNewline).map { $0.trimmingSpaces }.joined(separator: "; ")
    let visible = lines.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
    let shown = secrets.masked(String(String.UnicodeScalarView(visible)))
    self.message = shown.count > Self.mostCharacters ? shown.prefix(Self.mostCharacters) + "…" : shown
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
