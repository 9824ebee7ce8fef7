import CLibPQ
import CertRegCore
import Glibc

/// A connection to PostgreSQL, for one thread. Nothing waits longer than its deadline.
///
/// Statements go out together in pipeline mode: those of one call of ``run(_:within:)`` are one transaction, whose
/// locks are held no longer than the server takes for it, however far away it is. Each is prepared when it is first
/// used.
final class DatabaseConnection {
  /// A statement with its parameters.
  struct Statement: Sendable {
    /// Tells its text from those of all other statements.
    var name: String
    /// Called once for a connection.
    var text: @Sendable () -> String
    var parameters: [Parameter]

    init(_ name: String, _ text: @autoclosure @escaping @Sendable () -> String, _ parameters: [Parameter] = []) {
      self.name = name
      self.text = text
      self.parameters = parameters
    }
  }

  /// A text that this connection has used.
  fileprivate struct Known {
    var text: String
    /// The name that the server has it under.
    var preparedName: String
  }

  private static let planSeconds = 10.0
  /// libpq keeps all rows of a statement in memory. What more comes than this is no answer of certregd's tables.
  static let mostAnswerBytes = 128 << 20

  private let pq: certreg_libpq
  private let connection: OpaquePointer
  private let prepares: Bool
  private var isPipeline = false
  private var known: [String: Known] = [:]
  /// When the server was last told to plan anew.
  private var plannedAt = DatabaseConnection.now
  /// What has come since the statements under way went out.
  private var answerBytes = 0

  /// Connects. libpq tries the hosts one after the other, each for `connect_timeout` seconds at most.
  ///
  /// - Parameters:
  ///   - parameters: Parameters of libpq by name; `dbname` may be a whole URL. Earlier ones give way to later ones.
  ///   - prepares: Whether the server keeps statements from one transaction to the next.
  /// - Throws: `connection`, `refused`, `notLoaded`.
  init(_ parameters: [(name: String, value: String)], prepares: Bool) throws(DatabaseFailure) {
    self.prepares = prepares
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
  /// - Parameters:
  ///   - statements: They share the transaction.
  ///   - seconds: How long all of it may take.
  ///   - mostSeconds: How long it may take while each part of the answer comes within `seconds`; `nil`: no longer.
  /// - Returns: The rows of each.
  /// - Throws: What went wrong. After a failure of a statement the connection can be used again, after any other it
  ///   cannot.
  func run(
    _ statements: [Statement], within seconds: Double, mostSeconds: Double? = nil
  ) throws(DatabaseFailure) -> [Rows] {
    let begin = Self.now
    let deadline = begin + seconds
    let last = mostSeconds.map { begin + $0 } ?? deadline
    answerBytes = 0
    if !isPipeline {
      guard pq.enterPipelineMode(connection) == 1 else { throw failure() }
      isPipeline = true
    }
    // Whether the rows of each result are asked for.
    var isWanted: [Bool] = []
    if prepares { try renewPlans(&isWanted) }
    for statement in statements { try send(statement, &isWanted) }
    guard pq.pipelineSync(connection) == 1 else { throw failure() }
    try flush(until: deadline)
    var rows: [Rows] = []
    var place = 0
    var fault: DatabaseFailure?
    var isAfterEnd = false
    while true {
      guard let result = try nextResult(within: seconds, until: last) else {
        // One ends the results of a statement. A second one means that nothing more comes, as after the end of the
        // server.
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
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
        if place < isWanted.count, isWanted[place] { rows.append(read(result)) }
        place += 1
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

  private func send(_ statement: Statement, _ isWanted: inout [Bool]) throws(DatabaseFailure) {
    let known = known[statement.name] ?? Known(named: statement.name, statement.text())
    assert(known.text == statement.text(), "two statements have the name \(statement.name)")
    if self.known.updateValue(known, forKey: statement.name) == nil, prepares {
      guard pq.sendPrepare(connection, known.preparedName, known.text, 0, nil) == 1 else { throw failure() }
      isWanted.append(false)
    }
    let isSent = withValues(of: statement.parameters) { count, values, lengths, formats in
      prepares
        ? pq.sendQueryPrepared(connection, known.preparedName, count, values, lengths, formats, 1)
        : pq.sendQueryParams(connection, known.text, count, nil, values, lengths, formats, 1)
    }
    guard isSent == 1 else { throw failure() }
    isWanted.append(true)
  }

  /// The server plans a prepared statement for the tables as they are then. Tables that were empty grow, and a member
  /// that reads through all of their rows would do so until the server's next analysis.
  private func renewPlans(_ isWanted: inout [Bool]) throws(DatabaseFailure) {
    guard Self.now - plannedAt >= Self.planSeconds else { return }
    plannedAt = Self.now
    guard pq.sendQueryParams(connection, "DISCARD PLANS", 0, nil, nil, nil, nil, 1) == 1 else { throw failure() }
    isWanted.append(false)
  }

  /// Lends parameters in libpq's form, which copies them: their bytes lie one behind the other, and the pointers point
  /// into them. The pointers are valid inside `body` only.
  private func withValues<Result>(
    of parameters: [Parameter],
    _ body: (Int32, [UnsafePointer<CChar>?], _ lengths: [Int32], _ formats: [Int32]) -> Result
  ) -> Result {
    var bytes: [UInt8] = []
    var places: [Int] = []
    var lengths: [Int32] = []
    var formats: [Int32] = []
    for parameter in parameters {
      places.append(bytes.count)
      switch parameter {
      case .text(let text):
        bytes += text.utf8
        bytes.append(0)
        formats.append(0)
      case .binary(let binary):
        bytes += binary
        formats.append(1)
      }
      lengths.append(Int32(bytes.count - places[places.count - 1]))
    }
    return bytes.withUnsafeBytes { bytes in
      let begin = bytes.assumingMemoryBound(to: CChar.self).baseAddress
      return body(Int32(places.count), places.map { place in begin.map { $0 + place } }, lengths, formats)
    }
  }

  private func flush(until deadline: Double) throws(DatabaseFailure) {
    while true {
      switch pq.flush(connection) {
      case 0: return
      case 1:
        let ready = try wait(for: POLLIN | POLLOUT, until: deadline)
        if ready & POLLIN != 0 { try consumeInput() }
      default: throw failure()
      }
    }
  }

  /// The next result; `nil` at the end of one statement's. A long one over a slow line comes in parts, of which none
  /// takes longer than `seconds`.
  private func nextResult(within seconds: Double, until last: Double) throws(DatabaseFailure) -> OpaquePointer? {
    while pq.isBusy(connection) == 1 {
      try wait(for: POLLIN, until: min(last, Self.now + seconds))
      try consumeInput()
    }
    if let result = pq.getResult(connection) { return result }
    guard pq.status(connection) == CONNECTION_OK else { throw failure() }
    return nil
  }

  private func consumeInput() throws(DatabaseFailure) {
    var waiting: Int32 = 0
    if ioctl(pq.socket(connection), UInt(FIONREAD), &waiting) == 0 { answerBytes += Int(waiting) }
    guard answerBytes <= Self.mostAnswerBytes else {
      throw DatabaseFailure(
        .connection,
        "the database answers with more than \(Self.mostAnswerBytes >> 20) MiB")
    }
    guard pq.consumeInput(connection) == 1 else { throw failure() }
  }

  private func read(_ result: OpaquePointer) -> Rows {
    let (count, columns) = (pq.tupleCount(result), pq.fieldCount(result))
    var rows = Rows(count: Int(count), columns: Int(columns))
    for row in 0..<count {
      for column in 0..<columns {
        guard pq.isNull(result, row, column) == 0, let value = pq.value(result, row, column) else {
          rows.appendNull()
          continue
        }
        rows.append(UnsafeRawBufferPointer(start: value, count: Int(pq.length(result, row, column))))
      }
    }
    return rows
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
    return DatabaseFailure(
      isRefusal ? .refused : .connection, message.isEmpty ? "the connection is lost" : message, without: secrets)
  }

  private func failure(of result: OpaquePointer) -> DatabaseFailure {
    func field(_ code: UnicodeScalar) -> String? {
      pq.resultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    let code = field("C") ?? ""
    let message = field("M") ?? (pq.errorMessage(connection).map { String(cString: $0) } ?? "")
    return DatabaseFailure(code == "42501" ? .refused : .statement(code: code), message, without: secrets)
  }

  /// The password, wherever libpq has found it: a server can repeat it.
  private var secrets: SecretMask {
    SecretMask(pq.password(connection).map { [String(cString: $0)] } ?? [])
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

extension DatabaseConnection.Known {
  /// - Parameters:
  ///   - name: The statement's name. The server's name has a hash of the text, too: a pooler may hand on what another
  ///     version of this program prepared.
  ///   - text: The statement.
  fileprivate init(named name: String, _ text: String) {
    // FNV-1a.
    let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    self.init(text: text, preparedName: "certregd_\(name)_\(String(hash, radix: 16))")
  }
}
