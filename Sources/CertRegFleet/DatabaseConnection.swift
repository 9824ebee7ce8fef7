import CLibPQ
import Glibc

/// A connection to PostgreSQL, for one thread. Nothing waits longer than its deadline.
///
/// Statements go out together in pipeline mode: those of one call of ``run(_:within:)`` are one transaction, whose locks are
/// held no longer than the server takes for it, however far away it is.
final class DatabaseConnection {
  /// A statement with its parameters.
  struct Statement {
    var sql: String
    var parameters: [Parameter]

    init(_ sql: String, _ parameters: [Parameter] = []) {
      self.sql = sql
      self.parameters = parameters
    }
  }

  private let pq: certreg_libpq
  private let connection: OpaquePointer
  private var isPipeline = false

  /// Connects. libpq tries the hosts one after the other, each for `connect_timeout` seconds at most.
  ///
  /// - Parameter parameters: Parameters of libpq by name; `dbname` may be a whole URL. Earlier ones give way to later ones.
  /// - Throws: `connection`, `refused`, `notLoaded`.
  init(_ parameters: [(name: String, value: String)]) throws(DatabaseFailure) {
    pq = try LibPQ.load().pointee
    let names: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.name) }
    let values: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.value) }
    defer { for text in names + values { free(text) } }
    var keys = names.map { $0.map { UnsafePointer<CChar>($0) } } + [nil]
    var texts = values.map { $0.map { UnsafePointer<CChar>($0) } } + [nil]
    guard let connection = pq.connectParams(&keys, &texts, 1) else {
      throw DatabaseFailure(.connection, "out of memory")
    }
    self.connection = connection
    // Notices of the server are of no use here, and must not go to standard error.
    _ = pq.setNoticeProcessor(connection, { _, _ in }, nil)
    guard pq.status(connection) == CONNECTION_OK else { throw failure() }
    _ = pq.setNonblocking(connection, 1)
  }

  deinit { pq.finish(connection) }

  /// Runs statements as one transaction.
  ///
  /// - Returns: The rows of each.
  /// - Throws: What went wrong. After a failure of a statement the connection can be used again, after any other it cannot.
  func run(_ statements: [Statement], within seconds: Double) throws(DatabaseFailure) -> [Rows] {
    let deadline = Self.now + seconds
    if !isPipeline {
      guard pq.enterPipelineMode(connection) == 1 else { throw failure() }
      isPipeline = true
    }
    for statement in statements { try send(statement) }
    guard pq.pipelineSync(connection) == 1 else { throw failure() }
    try flush(until: deadline)
    var rows: [Rows] = []
    var fault: DatabaseFailure?
    var isAfterEnd = false
    while true {
      guard let result = try nextResult(until: deadline) else {
        // One ends the results of a statement. A second one means that nothing more comes, as after the end of the server.
        if isAfterEnd { throw fault ?? DatabaseFailure(.connection, "the connection is lost") }
        isAfterEnd = true
        continue
      }
      isAfterEnd = false
      defer { pq.clear(result) }
      switch pq.resultStatus(result) {
      case PGRES_PIPELINE_SYNC:
        if let fault { throw fault }
        return rows
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: rows.append(read(result))
      case PGRES_PIPELINE_ABORTED: break
      default: fault = fault ?? failure(of: result)
      }
    }
  }

  /// Runs a script of several statements without parameters. It may wait.
  func execute(script: String) throws(DatabaseFailure) {
    guard let result = pq.exec(connection, script) else { throw failure() }
    defer { pq.clear(result) }
    let status = pq.resultStatus(result)
    guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure(of: result) }
  }

  // MARK: Parts

  private func send(_ statement: Statement) throws(DatabaseFailure) {
    let texts = statement.parameters.map { parameter -> UnsafeMutablePointer<CChar>? in
      if case .text(let text) = parameter { strdup(text) } else { nil }
    }
    defer { for text in texts { free(text) } }
    let values = texts.map { $0.map { UnsafePointer<CChar>($0) } }
    guard pq.sendQueryParams(connection, statement.sql, Int32(values.count), nil, values, nil, nil, 0) == 1 else {
      throw failure()
    }
  }

  private func flush(until deadline: Double) throws(DatabaseFailure) {
    while true {
      switch pq.flush(connection) {
      case 0: return
      case 1:
        let ready = try wait(for: POLLIN | POLLOUT, until: deadline)
        if ready & POLLIN != 0, pq.consumeInput(connection) != 1 { throw failure() }
      default: throw failure()
      }
    }
  }

  /// The next result; `nil` at the end of one statement's.
  private func nextResult(until deadline: Double) throws(DatabaseFailure) -> OpaquePointer? {
    while pq.isBusy(connection) == 1 {
      try wait(for: POLLIN, until: deadline)
      guard pq.consumeInput(connection) == 1 else { throw failure() }
    }
    if let result = pq.getResult(connection) { return result }
    guard pq.status(connection) == CONNECTION_OK else { throw failure() }
    return nil
  }

  private func read(_ result: OpaquePointer) -> Rows {
    let columns = pq.fieldCount(result)
    return Rows(
      rows: (0..<pq.tupleCount(result)).map { row in
        (0..<columns).map { column in
          guard pq.isNull(result, row, column) == 0, let value = pq.value(result, row, column) else { return nil }
          let count = Int(pq.length(result, row, column))
          return value.withMemoryRebound(to: UInt8.self, capacity: count) {
            Array(UnsafeBufferPointer(start: $0, count: count))
          }
        }
      })
  }

  @discardableResult
  private func wait(for events: Int32, until deadline: Double) throws(DatabaseFailure) -> Int32 {
    while true {
      let left = deadline - Self.now
      guard left > 0 else { throw DatabaseFailure(.connection, "the database does not answer in time") }
      var entry = pollfd(fd: pq.socket(connection), events: Int16(events), revents: 0)
      let count = poll(&entry, 1, Int32(left * 1000) + 1)
      if count > 0 { return Int32(entry.revents) }
      if count < 0, errno != EINTR { throw DatabaseFailure(.connection, String(cString: strerror(errno))) }
    }
  }

  private func failure() -> DatabaseFailure {
    let message = (pq.errorMessage(connection).map { String(cString: $0) } ?? "")
    let words = [
      "authentication failed", "no pg_hba.conf entry", "role \"", "no password supplied", "permission denied",
    ]
    let isRefusal = words.contains { message.contains($0) } && !message.contains("starting up")
    return DatabaseFailure(isRefusal ? .refused : .connection, message.isEmpty ? "the connection is lost" : message)
  }

  private func failure(of result: OpaquePointer) -> DatabaseFailure {
    func field(_ code: UnicodeScalar) -> String? {
      pq.resultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    let code = field("C") ?? ""
    let message = field("M") ?? (pq.errorMessage(connection).map { String(cString: $0) } ?? "")
    return DatabaseFailure(code == "42501" ? .refused : .statement(code: code), message)
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
