import CertRegCore

/// Takes over every row that can still be read from the pages of a damaged database.
///
/// It does not follow the trees, whose roots and branches may be gone. It looks at each page and believes a row whose
/// own checksum holds. Rows that it finds may be older than lost ones, so the latest of several wins, and a
/// registration with a result is not queued again. A queued registration always counts as one whose call may have been
/// made, since the note that says so may be lost.
struct Salvage {
  /// What was taken over.
  struct Tally: Equatable {
    var results = 0
    var failures = 0
    var queued = 0
    /// Rows that were found and whose checksum does not hold.
    var damaged = 0
  }

  /// Most changes in one transaction.
  private static let batchLimit = 2000

  private let images: PageImages
  private let scope: PageImages.Scope
  private let writer: RegistrationWriter
  private let progress: OpeningProgress
  /// Called in each transaction with the page whose results are being taken over.
  private let savePosition: ((Int) throws(DatabaseFault) -> Void)?
  private var page = 1
  private var names = NameTable()
  private var hasFailures = false
  /// By key, too: earlier versions gave sequence numbers again once the queue was empty.
  private var queue: [RegistrationKey: [Int64: PendingRegistration]] = [:]
  private var attempts: [Int64: AttemptRow] = [:]
  private var batch: [StoreChange] = []
  /// The queue as it was before, by certificate; `nil` before it is needed.
  private var queuedBefore: [RegistrationKey: [JobID]]?
  /// When the results and failures in `batch` were finished: the database does not know them yet.
  private var batchTimes: [RegistrationKey: WallTime] = [:]
  private var tally = Tally()
  /// The highest sequence number seen anywhere.
  private var highestSequence: Int64 = 0

  /// - Parameters:
  ///   - scope: everything, into a database that salvage alone has written; or the log, into the database that it
  ///     belongs to.
  ///   - savePosition: notes, in each transaction, that the results of all pages before the given one are in the
  ///     database.
  init(
    _ images: PageImages, _ scope: PageImages.Scope, into writer: RegistrationWriter, _ progress: OpeningProgress,
    savePosition: ((Int) throws(DatabaseFault) -> Void)? = nil
  ) {
    self.images = images
    self.scope = scope
    self.writer = writer
    self.progress = progress
    self.savePosition = savePosition
  }

  /// Does all of it; on an error, part of it. What was taken over by an earlier run is not taken over again.
  ///
  /// - Parameter first: the page from which on results are taken over.
  mutating func run(from first: Int = 1) throws(DatabaseFault) -> Tally {
    // Names first, since no result can be read without them, and with them everything but the results and failures,
    // which may be millions.
    progress.begin("reading the damaged state", pages: images.pageCount)
    try forEachRecord { (salvage, _, record) throws(DatabaseFault) in salvage.collect(record) }
    progress.begin("taking over results", pages: images.pageCount)
    page = first
    try forEachRecord(from: first) { (salvage, number, record) throws(DatabaseFault) in
      salvage.page = number
      try salvage.takeResult(record)
    }
    try flush()
    writer.raiseSequence(to: highestSequence)
    if hasFailures {
      progress.begin("taking over failures", pages: images.pageCount)
      try forEachRecord { (salvage, _, record) throws(DatabaseFault) in try salvage.takeFailure(record) }
      try flush()
    }
    progress.begin("taking over the queue")
    try takeQueue()
    try flush()
    return tally
  }

  private mutating func forEachRecord(
    from first: Int = 1, _ body: (inout Salvage, Int, PageRecord) throws(DatabaseFault) -> Void
  ) throws(DatabaseFault) {
    let images = images
    try images.forEachPage(scope, from: first) { (number, content) throws(DatabaseFault) in
      progress.advance(to: number)
      try content.forEachRecord(overflow: images.latest) { record throws(DatabaseFault) in
        try body(&self, number, record)
      }
    }
  }

  private func name(_ number: Int64) -> String? {
    names.texts[number] ?? (scope == .log ? writer.text(number) : nil)
  }

  private mutating func collect(_ record: PageRecord) {
    guard let table = record.table else { return }
    guard record.isIntact(as: table) else {
      tally.damaged += 1
      return
    }
    switch table {
    case .name:
      if let row = NameRow.read(record) { names.add(row.text, number: row.number) }
    case .failure: hasFailures = true
    case .queue:
      guard let entry = QueueRow.read(record) else {
        tally.damaged += 1
        return
      }
      highestSequence = max(highestSequence, entry.sequence)
      queue[entry.key, default: [:]][entry.sequence] = entry
    case .attempt:
      guard let row = AttemptRow.read(record) else { return }
      highestSequence = max(highestSequence, row.sequence)
      if let known = attempts[row.sequence], !row.isLater(than: known) { return }
      attempts[row.sequence] = row
    case .state: highestSequence = max(highestSequence, StateRow.readHighestSequence(record) ?? 0)
    case .result, .device, .shared: break
    }
  }

  private mutating func takeResult(_ record: PageRecord) throws(DatabaseFault) {
    if record.table == .device, let found = DeviceRow.read(record, name: name) {
      return try take(.nameDevice(found.key, found.deviceID))
    }
    if record.table == .shared, let found = SharedRow.read(record, name: name) {
      return try take(.share(found.key, found.note))
    }
    guard record.table == .result, let found = ResultRow.read(record, name: name) else { return }
    if let known = batchTimes[found.key], known >= found.finishedAt { return }
    if let known = try writer.finishedAt(found.key, in: .result), known >= found.finishedAt { return }
    tally.results += 1
    batchTimes[found.key] = found.finishedAt
    if let sequence = ResultRow.sequence(record) {
      highestSequence = max(highestSequence, sequence)
      // Jobs of a certificate end one after the other. Of the ends the log may show the last one alone.
      for id in queuedJobs(of: found.key, before: sequence) { try take(.complete(id, found)) }
      try take(.complete(job(endedUnder: found.key, sequence), found))
    } else {
      // Earlier versions had one job for a key.
      for id in queuedJobs(of: found.key, before: .max) { try take(.complete(id, found)) }
      try take(.keep(found, nil))
    }
  }

  private mutating func takeFailure(_ record: PageRecord) throws(DatabaseFault) {
    guard record.table == .failure else { return }
    // The sequence 0 is no job's.
    let sequence = FailureRow.sequence(record) ?? 0
    writer.raiseSequence(to: sequence)
    guard let found = FailureRow.read(record, name: name) else { return }
    let id = JobID(key: found.key, sequence: sequence)
    if batchTimes[found.key] != nil { try flush() }
    batchTimes[found.key] = found.finishedAt
    if FailureRow.isBesideResult(record) { return try takeFailure(found, besideResultOf: id) }
    guard try !isDone(id, since: found.finishedAt) else { return }
    tally.failures += 1
    for earlier in queuedJobs(of: found.key, before: id.sequence) { try take(.fail(earlier, found)) }
    try take(.fail(job(endedUnder: id.key, id.sequence), found))
  }

  /// The job's result was taken over before, unless a later job has replaced it.
  private mutating func takeFailure(
    _ failure: FailedRegistration, besideResultOf id: JobID
  ) throws(DatabaseFault) {
    guard try writer.lastSequence(id.key, in: .result) ?? 0 == id.sequence,
      try writer.lastSequence(id.key, in: .failure) != id.sequence, var result = try writer.result(id.key)
    else { return }
    result.failure = failure
    tally.failures += 1
    try take(.complete(id, result))
  }

  /// The jobs of a certificate that the database had in its queue before the salvage, in their order.
  private mutating func queuedJobs(of storedKey: RegistrationKey, before sequence: Int64) -> [JobID] {
    let key = storedKey.requested
    guard writer.isQueued(key) else { return [] }
    if queuedBefore == nil { queuedBefore = Dictionary(grouping: writer.queuedJobs, by: \.key) }
    let jobs = queuedBefore?[key] ?? []
    return jobs.filter { $0.sequence < sequence && writer.isQueued($0) }.sorted { $0.sequence < $1.sequence }
  }

  /// The job of an end. The queue goes by targets, results and failures are kept by their homes.
  private func job(endedUnder key: RegistrationKey, _ sequence: Int64) -> JobID {
    let queued = JobID(key: key.requested, sequence: sequence)
    return writer.isQueued(queued) ? queued : JobID(key: key, sequence: sequence)
  }

  private mutating func takeQueue() throws(DatabaseFault) {
    if scope == .log {
      for id in writer.queuedJobs {
        progress.advance()
        if let facts = attempts[id.sequence]?.facts { try take(.noteProgress(id, facts)) }
        try take(.markCallStarted(id))
      }
    }
    try flush()
    var sequences = writer.queuedSequences
    let homes = Dictionary(grouping: writer.names.all.values.map { TargetName($0) }, by: \.requested)
    for var entry in queue.values.flatMap(\.values).sorted(by: { $0.sequence < $1.sequence }) {
      progress.advance()
      guard !writer.isQueued(entry.id), try !isDone(entry, in: homes[entry.key.target] ?? []) else { continue }
      attempts[entry.sequence]?.complete(&entry)
      entry.callStarted = true
      // Earlier versions gave numbers again once the queue was empty: two rows may have the same.
      if !sequences.insert(entry.sequence).inserted {
        entry.sequence = writer.nextSequence
        writer.raiseSequence(to: entry.sequence)
        sequences.insert(entry.sequence)
      }
      tally.queued += 1
      try take(.enqueue(entry))
    }
  }

  private func isDone(_ entry: PendingRegistration, in homes: [TargetName]) throws(DatabaseFault) -> Bool {
    for home in homes where home != entry.key.target {
      let key = RegistrationKey(certificateID: entry.key.certificateID, target: home)
      // A time alone would not do: a job that moved has left a result behind, and goes on.
      for table in [Table.result, .failure] {
        if let last = try writer.lastSequence(key, in: table), last >= entry.sequence { return true }
      }
    }
    return try isDone(entry.id, since: entry.enqueuedAt)
  }

  /// Whether there is a result or failure of the job, or of a later one. Those of earlier versions are compared by
  /// their times.
  private func isDone(_ id: JobID, since time: WallTime) throws(DatabaseFault) -> Bool {
    for table in [Table.result, .failure] {
      if id.sequence > 0, let last = try writer.lastSequence(id.key, in: table) {
        if last >= id.sequence { return true }
      } else if let finished = try writer.finishedAt(id.key, in: table), finished >= time {
        return true
      }
    }
    return false
  }

  private mutating func take(_ change: StoreChange) throws(DatabaseFault) {
    batch.append(change)
    if batch.count >= Salvage.batchLimit { try flush() }
  }

  private mutating func flush() throws(DatabaseFault) {
    let changes = batch
    batch.removeAll(keepingCapacity: true)
    batchTimes.removeAll(keepingCapacity: true)
    guard !changes.isEmpty else { return }
    try writer.transaction { () throws(DatabaseFault) in
      for change in changes { try writer.apply(change) }
      try savePosition?(page)
    }
  }
}

extension TargetName {
  /// The name that requests have for the target whose results are kept under this one: see ``ResultHome/storedName``.
  fileprivate var requested: TargetName { TargetName(String(rawValue.prefix { $0 != "\n" })) }
}

extension RegistrationKey {
  fileprivate var requested: RegistrationKey {
    RegistrationKey(certificateID: certificateID, target: target.requested)
  }
}
