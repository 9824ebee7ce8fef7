import CSQLite
import CertRegCore
import Testing

@testable import CertRegStore

/// A parameter that SQLite does not take is NULL to it: a row without it must not be written, and one that nothing
/// selects must not count as done. Here the limit on lengths takes the place of memory that is not there.
@Suite struct PreparedStatementTests {
  private let connection: Connection
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try StateDirectory(path: directory.path).create()
    connection = try Connection(path: directory.file("test.db"))
    try connection.execute("CREATE TABLE t (x)")
    sqlite3_limit(connection.handle, SQLITE_LIMIT_LENGTH, 100)
  }

  private func bind(_ statement: PreparedStatement, text: Bool, size: Int) {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: size)
    bytes.withUnsafeBytes { text ? statement.bind(1, copyingText: $0) : statement.bind(1, copying: $0) }
  }

  @Test(arguments: [false, true])
  func `does not run with a parameter that could not be bound`(text: Bool) throws {
    let insert = try connection.prepare("INSERT INTO t VALUES (?)")
    bind(insert, text: text, size: 101)
    #expect(throws: DatabaseFault.self) { try insert.run() }
    #expect(try connection.integer("SELECT count(*) FROM t") == 0)
  }

  @Test func `runs again after that`() throws {
    let insert = try connection.prepare("INSERT INTO t VALUES (?)")
    bind(insert, text: true, size: 101)
    #expect(throws: DatabaseFault.self) { try insert.run() }
    bind(insert, text: true, size: 80)
    try insert.run()
    #expect(try connection.integer("SELECT count(*) FROM t") == 1)
  }
}
