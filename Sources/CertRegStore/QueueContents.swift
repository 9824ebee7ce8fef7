import CertRegCore

/// The content of the queue's tables, with damaged rows told apart.
struct QueueContents {
  /// In order of arrival.
  private(set) var entries: [PendingRegistration] = []
  /// Sequence numbers of damaged rows of `queue`.
  private(set) var damagedEntries: [Int64] = []
  /// Sequence numbers of damaged rows of `attempt`.
  private(set) var damagedAttempts: [Int64] = []
  /// Sequence numbers of intact rows of `attempt`.
  private var intactAttempts: Set<Int64> = []
  /// Sequence numbers of rows of `attempt` that belong to no intact row of `queue`.
  private(set) var strayAttempts: [Int64] = []

  /// Reads all of it. The queue holds what was acknowledged and not done, so it is verified at every start.
  init(_ connection: Connection, _ progress: OpeningProgress? = nil) throws(DatabaseFault) {
    progress?.begin("reading the queue")
    var attempts: [Int64: AttemptRow] = [:]
    let attemptRows = try connection.prepare("SELECT * FROM attempt")
    while try attemptRows.step() {
      progress?.advance()
      if let attempt = AttemptRow.read(attemptRows) {
        attempts[attempt.sequence] = attempt
      } else if let sequence = attemptRows.integer(0) {
        damagedAttempts.append(sequence)
      }
    }
    intactAttempts = Set(attempts.keys)
    let queueRows = try connection.prepare("SELECT * FROM queue ORDER BY sequence")
    while try queueRows.step() {
      progress?.advance()
      if var entry = QueueRow.read(queueRows) {
        attempts[entry.sequence]?.complete(&entry)
        entries.append(entry)
      } else if let sequence = queueRows.integer(0) {
        damagedEntries.append(sequence)
      }
    }
    strayAttempts = intactAttempts.subtracting(entries.map(\.sequence)).sorted()
    // The damaged row may have said that a call was made.
    let doubtful = Set(damagedAttempts)
    if !doubtful.isEmpty {
      for index in entries.indices where doubtful.contains(entries[index].sequence) {
        entries[index].callStarted = true
      }
    }
  }

  /// The highest sequence number of any row, damaged or not.
  var highestSequence: Int64 {
    max(entries.last?.sequence ?? 0, damagedEntries.max() ?? 0, damagedAttempts.max() ?? 0, strayAttempts.last ?? 0)
  }

  /// The part that the writer keeps in memory.
  var index: [Int64: RegistrationWriter.QueuedEntry] {
    var index: [Int64: RegistrationWriter.QueuedEntry] = [:]
    for entry in entries {
      let hasAttempt = intactAttempts.contains(entry.sequence) || entry.callStarted
      index[entry.sequence] = .init(key: entry.key, callStarted: entry.callStarted, hasAttempt: hasAttempt)
    }
    return index
  }
}
