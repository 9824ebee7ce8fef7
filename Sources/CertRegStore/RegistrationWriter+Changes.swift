import CertRegCore

extension RegistrationWriter {
  /// Applies one change, inside `transaction`.
  func apply(_ change: StoreChange) throws(DatabaseFault) {
    switch change {
    case .enqueue(let entry): try enqueue(entry)
    case .markCallStarted(let key): try markCallStarted(key)
    case .noteAttempt(let key, let attempts, let error): try noteAttempt(key, attempts, error)
    case .complete(let registration): try complete(registration)
    case .fail(let failure): try fail(failure)
    case .noteProgress(let key, let facts): try noteProgress(key, facts)
    case .nameDevice(let key, let name): try nameDevice(key, name)
    case .dequeue(let key): try dequeue(key)
    case .forget(let key): try forget(key)
    }
    state.revision += 1
  }

  private func enqueue(_ entry: PendingRegistration) throws(DatabaseFault) {
    // A key is queued once: the later request is the one that counts.
    try removeFromQueue(entry.key)
    try QueueRow.write(entry, to: statements.enqueue)
    state.highestSequence = max(state.highestSequence, entry.sequence)
    var known = QueuedEntry(sequence: entry.sequence, callStarted: entry.callStarted, hasAttempt: false)
    if entry.callStarted || entry.attempts > 0 || entry.lastError != nil {
      let attempt = AttemptRow(
        sequence: entry.sequence, callStarted: entry.callStarted, attempts: entry.attempts,
        lastError: entry.lastError)
      try attempt.write(to: statements.writeAttempt)
      known.hasAttempt = true
    }
    setQueued(entry.key, known)
    if let deviceID = entry.deviceID { try nameDevice(entry.key, deviceID) }
  }

  private func markCallStarted(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let entry = queued[key], !entry.callStarted else { return }
    try changeAttempt(key) { $0.callStarted = true }
  }

  private func noteAttempt(_ key: RegistrationKey, _ attempts: Int, _ error: ServiceError) throws(DatabaseFault) {
    try changeAttempt(key) {
      $0.attempts = attempts
      $0.lastError = error
    }
  }

  private func noteProgress(_ key: RegistrationKey, _ facts: JobFacts) throws(DatabaseFault) {
    try changeAttempt(key) {
      $0.facts = facts
      $0.callStarted = false
    }
  }

  /// Rewrites the row of `attempt` that belongs to a queued key, or writes the first one.
  private func changeAttempt(
    _ key: RegistrationKey, _ change: (inout AttemptRow) -> Void
  ) throws(DatabaseFault) {
    guard var entry = queued[key] else { return }
    var attempt = AttemptRow(sequence: entry.sequence, callStarted: entry.callStarted, attempts: 0)
    if entry.hasAttempt {
      statements.readAttempt.bind(1, entry.sequence)
      if let known = try statements.readAttempt.first(AttemptRow.read) ?? nil { attempt = known }
    }
    change(&attempt)
    try attempt.write(to: statements.writeAttempt)
    entry.callStarted = attempt.callStarted
    entry.hasAttempt = true
    setQueued(key, entry)
  }

  private func complete(_ registration: Registration) throws(DatabaseFault) {
    let key = registration.key
    try nameDevice(registration.deviceID, ofEnding: key)
    try removeFromQueue(key)
    let target = try number(of: key.target.rawValue)
    let beginning = ResultRow.prefix(ofARN: registration.certificateARN, key.certificateID)
    let prefix: Int64? = if let beginning { try prefixNumber(of: beginning) } else { nil }
    try ResultRow.write(registration, target: target, prefix: prefix, to: statements.insertResult)
    if connection.changedRows == 1 {
      state.results += 1
    } else {
      try ResultRow.write(registration, target: target, prefix: prefix, to: statements.replaceResult)
    }
    if mayHaveFailures { try remove(key, target, with: statements.deleteFailure) }
  }

  private func fail(_ failure: FailedRegistration) throws(DatabaseFault) {
    try nameDevice(failure.deviceID, ofEnding: failure.key)
    try removeFromQueue(failure.key)
    let target = try number(of: failure.key.target.rawValue)
    mayHaveFailures = true
    try FailureRow.write(failure, target: target, to: statements.writeFailure)
  }

  private func forget(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let target = names.number(key.target.rawValue) else { return }
    try remove(key, target, with: statements.deleteResult)
    state.results -= connection.changedRows
    if mayHaveFailures { try remove(key, target, with: statements.deleteFailure) }
    if names.mayHaveDevices, !isQueued(key) { try remove(key, target, with: statements.deleteDevice) }
  }

  private func nameDevice(_ key: RegistrationKey, _ deviceID: DeviceID) throws(DatabaseFault) {
    names.noteDevice()
    let target = try number(of: key.target.rawValue)
    try DeviceRow.write(deviceID, of: key.certificateID, target: target, to: statements.writeDevice)
    guard var entry = queued[key] else { return }
    entry.deviceTag = deviceID.tag
    setQueued(key, entry)
  }

  /// Writes the name of a device whose registration ends, unless it was written before.
  private func nameDevice(_ deviceID: DeviceID?, ofEnding key: RegistrationKey) throws(DatabaseFault) {
    if let deviceID, queued[key]?.deviceTag != deviceID.tag { try nameDevice(key, deviceID) }
  }

  private func dequeue(_ key: RegistrationKey) throws(DatabaseFault) {
    try removeFromQueue(key)
    guard names.mayHaveDevices, let target = names.number(key.target.rawValue) else { return }
    for table in [Table.result, .failure] where try finishedAt(key, in: table) != nil { return }
    try remove(key, target, with: statements.deleteDevice)
  }
}

// MARK: - Parts of changes

extension RegistrationWriter {
  /// Writes both copies of all names again.
  func renewNames() throws(DatabaseFault) {
    try transaction { () throws(DatabaseFault) in
      for (number, text) in names.all {
        try NameRow.write(text, number: number, to: statements.writeName)
        try NameRow.write(text, number: number, to: statements.writeNameCopy)
      }
    }
  }

  /// Replaces damaged notes of attempts by notes that a call was made, since one may have been. Notes without an entry
  /// go.
  func renewAttempts(_ sequences: [Int64]) throws(DatabaseFault) {
    guard !sequences.isEmpty else { return }
    let present = queuedSequences
    try transaction { () throws(DatabaseFault) in
      for sequence in sequences {
        if present.contains(sequence) {
          try AttemptRow(sequence: sequence, callStarted: true, attempts: 0).write(to: statements.writeAttempt)
        } else {
          statements.deleteAttempt.bind(1, sequence)
          try statements.deleteAttempt.run()
        }
      }
    }
  }

  private func removeFromQueue(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let entry = queued[key] else { return }
    statements.dequeue.bind(1, entry.sequence)
    try statements.dequeue.run()
    if entry.hasAttempt {
      statements.deleteAttempt.bind(1, entry.sequence)
      try statements.deleteAttempt.run()
    }
    setQueued(key, nil)
  }

  private func remove(
    _ key: RegistrationKey, _ target: Int64, with statement: PreparedStatement
  ) throws(DatabaseFault) {
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    try statement.run()
  }

  private func number(of target: String) throws(DatabaseFault) -> Int64 {
    guard let number = try prefixNumber(of: target) else {
      throw DatabaseFault(constraint: "more than \(NameTable.limit) different targets and ARN prefixes")
    }
    return number
  }

  /// The number of an interned text, a new one where need be; `nil` where there are too many.
  private func prefixNumber(of text: String) throws(DatabaseFault) -> Int64? {
    if let number = names.number(text) { return number }
    guard let number = names.add(text) else { return nil }
    noteNewName(number)
    try NameRow.write(text, number: number, to: statements.writeName)
    try NameRow.write(text, number: number, to: statements.writeNameCopy)
    return number
  }
}
