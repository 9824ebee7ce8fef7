import CertRegCore

extension RegistrationWriter {
  /// Applies one change, inside `transaction`.
  func apply(_ change: StoreChange) throws(DatabaseFault) {
    switch change {
    case .enqueue(let entry): try enqueue(entry)
    case .markCallStarted(let id): try markCallStarted(id)
    case .noteAttempt(let id, let attempts, let error): try noteAttempt(id, attempts, error)
    case .noteProgress(let id, let facts): try noteProgress(id, facts)
    case .complete(let id, let registration): try complete(id, registration)
    case .setStatus(let id, let update): try setStatus(id, update)
    case .fail(let id, let failure): try fail(id, failure)
    case .keep(let registration, _):
      try nameDevice(registration.deviceID, ofEnding: registration.key)
      try keep(registration, sequence: 0)
    case .doubtStatus(let key, _, let time): try doubtStatus(key, at: time)
    case .nameDevice(let key, let name): try nameDevice(key, name)
    case .forget(let key): try forget(key)
    case .share(let key, let note): try share(key, note)
    }
    state.revision += 1
  }

  private func enqueue(_ entry: PendingRegistration) throws(DatabaseFault) {
    try QueueRow.write(entry, to: statements.enqueue)
    state.highestSequence = max(state.highestSequence, entry.sequence)
    var known = QueuedEntry(key: entry.key, callStarted: entry.callStarted, hasAttempt: false)
    if entry.callStarted || entry.attempts > 0 || entry.lastError != nil {
      let attempt = AttemptRow(
        sequence: entry.sequence, callStarted: entry.callStarted, attempts: entry.attempts,
        lastError: entry.lastError)
      try attempt.write(to: statements.writeAttempt)
      known.hasAttempt = true
    }
    setQueued(entry.sequence, known)
    if let deviceID = entry.deviceID { try nameDevice(entry.key, deviceID) }
  }

  private func markCallStarted(_ id: JobID) throws(DatabaseFault) {
    guard let entry = queued[id.sequence], !entry.callStarted else { return }
    try changeAttempt(id) { $0.callStarted = true }
  }

  private func noteAttempt(_ id: JobID, _ attempts: Int, _ error: ServiceError) throws(DatabaseFault) {
    try changeAttempt(id) {
      $0.attempts = attempts
      $0.lastError = error
    }
  }

  private func noteProgress(_ id: JobID, _ facts: JobFacts) throws(DatabaseFault) {
    try changeAttempt(id) {
      $0.facts = facts
      $0.callStarted = false
    }
  }

  /// Rewrites the row of `attempt` that belongs to a queued job, or writes the first one.
  private func changeAttempt(_ id: JobID, _ change: (inout AttemptRow) -> Void) throws(DatabaseFault) {
    guard var entry = queued[id.sequence] else { return }
    var attempt = AttemptRow(sequence: id.sequence, callStarted: entry.callStarted, attempts: 0)
    if entry.hasAttempt {
      statements.readAttempt.bind(1, id.sequence)
      if let known = try statements.readAttempt.first(AttemptRow.read) ?? nil { attempt = known }
    }
    change(&attempt)
    try attempt.write(to: statements.writeAttempt)
    entry.callStarted = attempt.callStarted
    entry.hasAttempt = true
    setQueued(id.sequence, entry)
  }

  private func complete(_ id: JobID, _ registration: Registration) throws(DatabaseFault) {
    try nameDevice(registration.deviceID, ofEnding: registration.key)
    try removeFromQueue(id)
    var registration = registration
    if registration.leavesFailure {
      let target = try number(of: registration.key.target.rawValue)
      registration.failure = try failureOutlastingUpdate(registration.key, target)
    }
    try keep(registration, sequence: id.sequence, carriesAsked: true)
    if registration.key != id.key { try dropName(id.key) }
  }

  /// - Parameter carriesAsked: Whether what was asked for before stays, as far as `registration` leaves it.
  private func keep(
    _ registration: Registration, sequence: Int64, carriesAsked: Bool = false
  ) throws(DatabaseFault) {
    let key = registration.key
    let target = try number(of: key.target.rawValue)
    let beginning = registration.certificateARN.flatMap { ResultRow.prefix(ofARN: $0, key.certificateID) }
    let prefix: Int64? = if let beginning { try prefixNumber(of: beginning) } else { nil }
    func write(_ registration: Registration, _ statement: PreparedStatement) throws(DatabaseFault) {
      try ResultRow.write(registration, sequence: sequence, target: target, prefix: prefix, to: statement)
    }
    try write(registration, statements.insertResult)
    if connection.changedRows == 1 {
      state.results += 1
    } else {
      var registration = registration
      if carriesAsked, let earlier = try result(key, target) {
        registration.asked = earlier.asked?.left(by: registration, after: earlier.status)
      }
      try write(registration, statements.replaceResult)
    }
    if var failure = registration.failure {
      mayHaveFailures = true
      failure.key = key
      try FailureRow.write(
        failure, sequence: sequence, target: target, isBesideResult: true, to: statements.writeFailure)
    } else if mayHaveFailures {
      try remove(key, target, with: statements.deleteFailure)
    }
  }

  private func setStatus(_ id: JobID, _ update: StatusUpdate) throws(DatabaseFault) {
    try removeFromQueue(id)
    let target = try number(of: update.key.target.rawValue)
    var registration = update.applied(to: try result(update.key, target))
    registration.failure = try failureOutlastingUpdate(update.key, target)
    try keep(registration, sequence: id.sequence)
    if update.key != id.key { try dropName(id.key) }
  }

  private func doubtStatus(_ key: RegistrationKey, at time: WallTime) throws(DatabaseFault) {
    guard let target = targetNumber(key.target), var registration = try result(key, target) else { return }
    registration.status = nil
    registration.finishedAt = time
    registration.failure = try failureOutlastingUpdate(key, target)
    try keep(registration, sequence: 0)
  }

  /// The result of `key`, without the failure beside it; `nil` where there is none or its row is damaged.
  func result(_ key: RegistrationKey) throws(DatabaseFault) -> Registration? {
    guard let target = targetNumber(key.target) else { return nil }
    return try result(key, target)
  }

  private func result(_ key: RegistrationKey, _ target: Int64) throws(DatabaseFault) -> Registration? {
    key.certificateID.withBytes { statements.readResult.bind(1, copying: $0) }
    statements.readResult.bind(2, target)
    return try statements.readResult.first { ResultRow.read($0, name: names.text) } ?? nil
  }

  /// The failure beside a result that stays there when the status changes; `nil`: there is none.
  private func failureOutlastingUpdate(
    _ key: RegistrationKey, _ target: Int64
  ) throws(DatabaseFault) -> FailedRegistration? {
    guard mayHaveFailures else { return nil }
    key.certificateID.withBytes { statements.readFailure.bind(1, copying: $0) }
    statements.readFailure.bind(2, target)
    let failure = try statements.readFailure.first { row in
      FailureRow.isBesideResult(row) ? FailureRow.read(row, name: names.text) : nil
    }
    return failure?.flatMap { $0.outlastsUpdate ? $0 : nil }
  }

  private func fail(_ id: JobID, _ failure: FailedRegistration) throws(DatabaseFault) {
    if failure.isKept { try nameDevice(failure.deviceID, ofEnding: failure.key) }
    try removeFromQueue(id)
    let target = try number(of: failure.key.target.rawValue)
    if failure.isGone {
      try remove(failure.key, target, with: statements.deleteResult)
      let removed = connection.changedRows
      state.results -= removed
      // What failed with a certificate that is gone says nothing any more.
      if removed > 0, mayHaveFailures { try remove(failure.key, target, with: statements.deleteFailure) }
    }
    let known = failure.statusIsInDoubt ? try result(failure.key, target) : nil
    if var doubtful = failure.applied(to: known) {
      doubtful.failure = try failureOutlastingUpdate(failure.key, target)
      try keep(doubtful, sequence: id.sequence)
    } else if failure.isKept {
      mayHaveFailures = true
      try FailureRow.write(failure, sequence: id.sequence, target: target, to: statements.writeFailure)
    }
    if failure.key != id.key || !failure.isKept { try dropName(id.key) }
    if failure.key != id.key, failure.isGone { try dropName(failure.key) }
  }

  private func forget(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let target = names.number(key.target.rawValue) else { return }
    try remove(key, target, with: statements.deleteResult)
    state.results -= connection.changedRows
    if mayHaveFailures { try remove(key, target, with: statements.deleteFailure) }
    if names.mayHaveDevices, !isQueued(key) { try remove(key, target, with: statements.deleteDevice) }
  }

  /// An older note than the one that is there changes nothing.
  private func share(_ key: RegistrationKey, _ note: FleetNote) throws(DatabaseFault) {
    let target = try number(of: key.target.rawValue)
    key.certificateID.withBytes { statements.readShared.bind(1, copying: $0) }
    statements.readShared.bind(2, target)
    let known = try statements.readShared.first { SharedRow.read($0, name: names.text) } ?? nil
    if let known, known.note.stamp > note.stamp || known.note == note { return }
    try SharedRow.write(note, of: key.certificateID, target: target, to: statements.writeShared)
  }

  private func nameDevice(_ key: RegistrationKey, _ deviceID: DeviceID) throws(DatabaseFault) {
    names.noteDevice()
    let target = try number(of: key.target.rawValue)
    try DeviceRow.write(deviceID, of: key.certificateID, target: target, to: statements.writeDevice)
    setDeviceTag(key, deviceID.tag)
  }

  /// Writes the name of a device whose registration ends, unless it was written before.
  private func nameDevice(_ deviceID: DeviceID?, ofEnding key: RegistrationKey) throws(DatabaseFault) {
    if let deviceID, deviceTag(key) != deviceID.tag { try nameDevice(key, deviceID) }
  }

  /// Removes the name of a device of which nothing else is known any more.
  private func dropName(_ key: RegistrationKey) throws(DatabaseFault) {
    guard names.mayHaveDevices, !isQueued(key), let target = names.number(key.target.rawValue) else { return }
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

  private func removeFromQueue(_ id: JobID) throws(DatabaseFault) {
    guard let entry = queued[id.sequence] else { return }
    statements.dequeue.bind(1, id.sequence)
    try statements.dequeue.run()
    if entry.hasAttempt {
      statements.deleteAttempt.bind(1, id.sequence)
      try statements.deleteAttempt.run()
    }
    setQueued(id.sequence, nil)
  }

  private func remove(
    _ key: RegistrationKey, _ target: Int64, with statement: PreparedStatement
  ) throws(DatabaseFault) {
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    try statement.run()
  }

  private func number(of target: String) throws(DatabaseFault) -> Int64 {
    if let number = names.number(target) { return number }
    let number = names.add(target: target)
    try writeNewName(target, number)
    return number
  }

  /// The number of the beginning of ARNs; `nil`: there is no room for a new one, and the ARN is stored in full.
  private func prefixNumber(of text: String) throws(DatabaseFault) -> Int64? {
    if let number = names.number(text) { return number }
    guard let number = names.add(prefix: text) else { return nil }
    try writeNewName(text, number)
    return number
  }

  private func writeNewName(_ text: String, _ number: Int64) throws(DatabaseFault) {
    noteNewName(number)
    try NameRow.write(text, number: number, to: statements.writeName)
    try NameRow.write(text, number: number, to: statements.writeNameCopy)
  }
}
