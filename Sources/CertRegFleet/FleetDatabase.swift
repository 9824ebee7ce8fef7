import CLibPQ
package import CertRegCore
import Glibc

/// What tells a member from all others.
package struct FleetIdentity: Sendable, Hashable {
  /// The member's name.
  package var name: String
  /// Tells its state directory from any other.
  package var instance: String
  /// The silence after which the others take its work over.
  package var takeover: Duration

  package init(name: String, instance: String, takeover: Duration) {
    self.name = name
    self.instance = instance
    self.takeover = takeover
  }
}

/// Where the database is, and how a member logs in.
package struct FleetLocation: Sendable, Hashable {
  /// Without a password.
  package var url: FleetURL
  /// A file with the bare password on one line; `nil`: libpq finds one itself, or none is needed.
  package var passwordFile: String?

  package init(url: FleetURL, passwordFile: String?) {
    self.url = url
    self.passwordFile = passwordFile
  }
}

/// The fleet's database, for one thread. Connects when it is needed, and lets go of a connection that failed.
package final class FleetDatabase {
  private static let exchangeSeconds = 2.5
  /// A member with a long queue has much to read when it joins. Nothing waits for that.
  private static let joinSeconds = 60.0
  /// See ``FleetStatements/begin(_:)``.
  private static let divisionByZero = "22012"

  private let location: FleetLocation
  private let identity: FleetIdentity
  private var connection: DatabaseConnection?
  private var hosts: HostOrder?
  /// Whether statements may be prepared. A pooler that gives each transaction another connection loses them.
  private var prepares = true
  /// Tells what is sent after the last join from what was sent before it.
  private var session: Int64 = 0

  package init(_ location: FleetLocation, _ identity: FleetIdentity) {
    self.location = location
    self.identity = identity
  }

  /// Closes the connection.
  package func close() { connection = nil }

  /// Enters the fleet.
  ///
  /// - Parameters:
  ///   - sent: The highest number of a result that the database ever had of this member.
  ///   - ownSequences: Rows of the queue that have this sequence or a higher one are of no job of this state.
  /// - Throws: Why this member stays alone.
  package func join(sent: Int64, ownSequences: Int64) throws(FleetProblem) -> FleetWelcome {
    let found = try run([FleetStatements.version])
    let version = Self.version(found)
    if version != FleetSchema.version { throw schemaProblem(version) }
    let joined = try run(
      [
        FleetStatements.leaveClaims(identity), FleetStatements.leaveRows(identity, from: ownSequences),
        FleetStatements.join(identity, sent: sent), FleetStatements.ownRows(identity.name),
        FleetStatements.ownClaims(identity.name),
      ], mostSeconds: Self.joinSeconds)
    guard let row = joined[2].first else {
      throw FleetProblem(
        .nameTaken,
        "another member has the name \(identity.name): give this one another fleet.member; one that is gone for good gives "
          + "the name up after its fleet.takeover, or at once if a connected member runs "
          + "`certregctl fleet remove \(identity.name)`")
    }
    guard var welcome = FleetRow.welcome(row), let session = FleetRow.session(row) else {
      throw FleetProblem(.unreachable, "the database answers in another form than expected")
    }
    self.session = session
    welcome.rows = joined[3].compactMap(FleetRow.queued)
    welcome.claims = joined[4].compactMap(FleetRow.key)
    return welcome
  }

  /// Exchanges a batch, in one transaction.
  ///
  /// - Throws: Why it failed. Whether the database has taken it is not known then.
  package func exchange(_ batch: FleetBatch) throws(FleetProblem) -> FleetReply {
    guard connection != nil else { throw FleetProblem(.unreachable, "the connection is lost") }
    let exchange = FleetExchange(batch, FleetSession(identity: identity, number: session))
    do throws(DatabaseFailure) { return exchange.read(try attempt(exchange.statements)) } catch {
      guard error.kind == .statement(code: Self.divisionByZero) else { throw problem(error) }
    }
    // What it was to prepare behind the statement that failed is not prepared.
    connection = nil
    var reply = FleetReply()
    reply.isMember = false
    return reply
  }

  /// Creates the schema, or brings it up to date.
  ///
  /// - Parameter role: Gets the members' rights where it exists.
  /// - Returns: The version that was there; `nil`: none.
  /// - Throws: What the database says, or that a newer version is there.
  package func initialise(role: String) throws(FleetProblem) -> Int? {
    var present: Int?
    do throws(FleetProblem) {
      present = Self.version(try run([FleetStatements.version]))
    } catch {
      guard error.reason == .notInitialised else { throw error }
    }
    if let present, !(0...FleetSchema.version).contains(present) { throw schemaProblem(present) }
    // Another connection, since this one is in pipeline mode.
    connection = nil
    let connection = try open()
    do throws(DatabaseFailure) { try connection.execute(script: FleetSchema.upgrade(from: present, role: role)) } catch
    {
      throw problem(error)
    }
    return present
  }

  /// Whether a role exists.
  ///
  /// - Throws: What the database says.
  package func hasRole(_ role: String) throws(FleetProblem) -> Bool {
    !(try run([FleetStatements.role(role)])[0].isEmpty)
  }

  /// What libpq has against a connection string or one of its parameters, in its words; `nil`: nothing, or there is no
  /// libpq.
  package static func fault(of url: FleetURL) -> String? {
    guard let pq = try? LibPQ.load().pointee else { return nil }
    var message: UnsafeMutablePointer<CChar>?
    defer { pq.freeMemory(message) }
    if let options = pq.parseConnectionString(url.description, &message) {
      pq.freeOptions(options)
      return nil
    }
    return message.map { DatabaseFailure(.connection, String(cString: $0)).message } ?? "libpq does not understand it"
  }

  // MARK: Parts

  private static func version(_ rows: [Rows]) -> Int {
    rows[0].first.flatMap(FleetRow.integer).map { Int($0) } ?? 0
  }

  private func run(
    _ statements: [FleetStatements.Statement], mostSeconds: Double? = nil
  ) throws(FleetProblem) -> [Rows] {
    do throws(DatabaseFailure) { return try attempt(statements, mostSeconds: mostSeconds) } catch {
      throw problem(error)
    }
  }

  /// Runs statements, and once more where that is all that is needed. The database has taken nothing of them before.
  private func attempt(
    _ statements: [FleetStatements.Statement], mostSeconds: Double? = nil
  ) throws(DatabaseFailure) -> [Rows] {
    func run() throws(DatabaseFailure) -> [Rows] {
      try connected().run(statements, within: Self.exchangeSeconds, mostSeconds: mostSeconds)
    }
    do throws(DatabaseFailure) { return try run() } catch {
      if prepares, error.saysStatementIsLost {
        // A pooler seldom comes or goes, so that this process prepares no more.
        prepares = false
      } else if !error.saysConflict {
        throw error
      }
      // What it was to prepare behind the statement that failed is not prepared.
      connection = nil
    }
    return try run()
  }

  private func open() throws(FleetProblem) -> DatabaseConnection {
    do throws(DatabaseFailure) { return try connected() } catch { throw problem(error) }
  }

  private func connected() throws(DatabaseFailure) -> DatabaseConnection {
    if let connection { return connection }
    var parameters: [(name: String, value: String)] = [
      ("application_name", "certregd \(identity.name)"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
      ("keepalives_count", "3"), ("tcp_user_timeout", "5000"), ("connect_timeout", "3"),
    ]
    if location.url.verifiesFully({ getenv($0).map { String(cString: $0) } }) {
      parameters.append(("sslmode", "verify-full"))
    }
    parameters.append(("dbname", location.url.description))
    if let file = location.passwordFile { parameters.append(("password", try password(in: file))) }
    if hosts == nil { hosts = try HostOrder(location.url.description) }
    parameters += hosts?.parameters ?? []
    do throws(DatabaseFailure) {
      let opened = try DatabaseConnection(parameters, prepares: prepares)
      connection = opened
      return opened
    } catch {
      hosts?.rotate()
      throw error
    }
  }

  private func password(in file: String) throws(DatabaseFailure) -> String {
    // Opening a pipe would wait for its writer.
    let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      throw DatabaseFailure(.refused, "\(file) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { Glibc.close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
      throw DatabaseFailure(.refused, "\(file) is not a file")
    }
    // With an access list the bits of the group are the most that it grants to anybody (acl(5)).
    guard info.st_mode & 0o077 == 0 else {
      throw DatabaseFailure(.refused, "\(file) can be read by others: its mode has to be 0600 or stricter")
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else {
      throw DatabaseFailure(.refused, "\(file) cannot be read: \(String(cString: strerror(errno)))")
    }
    // A line may end with CR and LF.
    let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard !line.isEmpty else { throw DatabaseFailure(.refused, "\(file) has no password on its first line") }
    return String(decoding: line, as: UTF8.self)
  }

  private func schemaProblem(_ version: Int) -> FleetProblem {
    connection = nil
    if version < 0 {
      return FleetProblem(.unreachable, "the database has the version \(version) of the schema, which never was one")
    }
    if version > FleetSchema.version {
      return FleetProblem(
        .schemaNewer,
        "the database has version \(version) of the schema, this program knows \(FleetSchema.version): update certregd here"
      )
    }
    return FleetProblem(
      .schemaOlder,
      "the database has version \(version) of the schema, this program needs \(FleetSchema.version): run `certregctl fleet init`"
    )
  }

  /// What a failure means for the member. The connection goes with it.
  private func problem(_ failure: DatabaseFailure) -> FleetProblem {
    connection = nil
    switch failure.kind {
    case .notLoaded, .connection: return FleetProblem(.unreachable, failure.message)
    case .refused: return FleetProblem(.refused, failure.message)
    case .statement:
      if failure.saysSchemaIsMissing {
        return FleetProblem(
          .notInitialised, "the database has no tables of certregd: run `certregctl fleet init --url URL`")
      }
      return FleetProblem(.unreachable, failure.message)
    }
  }
}

extension DatabaseFailure {
  /// undefined_table and invalid_schema_name (PostgreSQL's appendix A).
  fileprivate var saysSchemaIsMissing: Bool { kind == .statement(code: "42P01") || kind == .statement(code: "3F000") }

  /// deadlock_detected and serialization_failure.
  fileprivate var saysConflict: Bool { kind == .statement(code: "40P01") || kind == .statement(code: "40001") }

  /// invalid_sql_statement_name and duplicate_prepared_statement: behind a pooler, transactions that follow each other
  /// run on different connections of the server.
  fileprivate var saysStatementIsLost: Bool { kind == .statement(code: "26000") || kind == .statement(code: "42P05") }
}
