// Several statements as one, which costs the server less than each by itself.
extension DatabaseConnection.Statement {
  /// One statement of several changes. They see what was there before, and are made in any order, except that each may
  /// wait for rows of `expressions`.
  ///
  /// - Parameters:
  ///   - expressions: Texts of common table expressions with their names.
  ///   - changes: Return no rows.
  ///   - query: What the whole returns.
  static func joined(_ expressions: [Self] = [], changes: [Self], returning query: String = "SELECT 1") -> Self {
    let parts = numbered(expressions + changes)
    return Self(
      name(expressions + changes),
      "WITH "
        + parts.enumerated().map { $0 < expressions.count ? $1() : "change\($0) AS (\($1()))" }.joined(separator: ",\n")
        + "\n" + query,
      (expressions + changes).flatMap(\.parameters))
  }

  /// One query of several, each of whose rows comes as a record behind the number of its query. See
  /// ``Rows/divided(into:)``.
  ///
  /// - Parameters:
  ///   - queries: Without parameters in common.
  ///   - change: Is made behind them; `nil`: nothing is. It has no parameters.
  static func joined(_ queries: [Self], behindThem change: Self?) -> Self {
    let parts = numbered(queries)
    return Self(
      name(queries + (change.map { [$0] } ?? [])),
      (change.map { "WITH change AS (\($0.text()))\n" } ?? "")
        // Parts follow each other in their order, since nothing sorts them.
        + parts.enumerated().map { "SELECT \($0), q FROM (\($1())) q" }.joined(separator: "\nUNION ALL\n"),
      queries.flatMap(\.parameters))
  }

  /// The server cuts names off behind 63 bytes.
  private static func name(_ statements: [Self]) -> String {
    statements.map { $0.name.prefix(6) }.joined(separator: "_")
  }

  /// The texts with parameters that are numbered one behind the other.
  private static func numbered(_ statements: [Self]) -> [@Sendable () -> String] {
    var next = 0
    return statements.map { statement in
      let first = next
      next += statement.parameters.count
      return { statement.text(numberedFrom: first) }
    }
  }

  private func text(numberedFrom first: Int) -> String {
    let pieces = text().split(separator: "$", omittingEmptySubsequences: false)
    return pieces.dropFirst().reduce(into: String(pieces[0])) { text, piece in
      let digits = piece.prefix { $0.isNumber }
      text += "$\((Int(digits) ?? 0) + first)" + piece.dropFirst(digits.count)
    }
  }
}
