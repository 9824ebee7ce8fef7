/// The decisions of one member of a fleet: which certificates it may work on, which results it tells the others, whose
/// work it takes over, and its share of the account's rate. A state machine without effects.
///
/// Events are methods; they put ``Action``s into ``takeActions()``. The database is asked by one exchange at a time:
/// what comes up meanwhile goes into the next one. Whatever it does not answer within a second is decided without it.
package struct FleetMember: Sendable {
  /// Tells questions apart.
  package typealias Token = UInt64

  /// The answer to a question.
  package enum Answer: Sendable, Equatable {
    /// This member may work on the certificate. `earlierCall`: another one may have made the call and died.
    case granted(earlierCall: Bool)
    /// The fleet has the result.
    case known(SharedResult)
    /// Another member works on it.
    case held
    /// What is known, and who works on it.
    case found(SharedResult?, holder: String?)
    case removed
    /// The fleet has no such member.
    case notFound
    /// The database was not asked.
    case alone
  }

  /// An effect for the caller to carry out, in order.
  package enum Action: Sendable {
    /// Connect, where there is no connection, and enter the fleet. Ends as ``joined(_:now:)`` or ``failed(_:now:)``. Rows
    /// of the queue with a sequence from `ownSequences` on are of no job of this state: they get other numbers.
    case join(sent: Int64, ownSequences: Int64)
    /// Exchange the batch. Ends as ``replied(_:now:)`` or ``failed(_:now:)``.
    case exchange(FleetBatch)
    case answer(Token, Answer)
    /// An answer to a job that was waiting.
    case coordinated(JobID, Coordination.Answer?, SharedResult?)
    /// The call of a job may begin, or not before it is coordinated again.
    case marked(JobID, Bool)
    /// Another member waits to revoke a certificate that this one works on.
    case giveWay(FleetKey)
    /// A caller may be told that the job is safe.
    case safe(Int64)
    /// Another member's result is newer than what this one may have. The number is that of the note.
    case adopt(SharedResult, number: Int64)
    /// The database has a result under a number; 0: it has another one in its place, which is to be adopted.
    case sent(FleetKey, stamp: Int64, number: Int64)
    /// A registration that another member left behind.
    case takeOver(FleetReply.Row)
    case pace(FleetLane.ID, PaceOrder)
    /// What this member told under higher numbers than this one has to be told again, and what others told; 0:
    /// everything.
    case tellAgain(after: Int64)
    /// The member joined, or is alone; for the log.
    case stateChanged
  }

  /// A member's part of a lane.
  package struct PaceOrder: Sendable, Equatable {
    /// Of the rate, 0...1; `nil`: all.
    package var share: Double?
    /// Whose turn it is to try more than the rate.
    package var probing: PaceShare.Probing
    /// A rate that others have learnt; `nil`: the own one counts.
    package var learnt: FleetLane.Rate?
    /// Whether a rise of the rate ends: others were throttled since the order before, or cannot be heard any more.
    package var endsRise: Bool
  }

  /// What the member knows of a certificate that it has to do with.
  struct Work: Filed {
    enum Standing: Sendable, Equatable {
      /// The database has not answered yet.
      case asked
      case held(by: String)
      /// `isShared`: the database knows.
      case granted(isShared: Bool)
    }

    enum File: Sendable {
      case asked
      case held
      /// Begun while the database was away.
      case unshared
    }

    var standing: Standing
    var jobs: [JobID] = []
    /// Those of them that no result ends, as updates.
    var ownWork: Set<JobID> = []
    /// Those that go on with further calls for the certificate behind a result.
    var goingOn: Set<JobID> = []
    /// Whether a job of this member revokes the certificate.
    var isRevocation = false
    /// Whether the call was to begin at once.
    var isCalled = false
    /// When the database heard that the call begins; `nil`: not since the member joined.
    var markedAt: MonotonicTime?
    /// Whether another member may have made the call and died.
    var earlierCall = false
    /// The status that the database knows then.
    var statusBehindCall: CertificateStatus?
    /// Whether a registration of this member has ended on disk: its result says what became of all earlier calls.
    var isAnswered = false
    /// Results that came before it do not count.
    var since: Int64

    var file: File? {
      switch standing {
      case .asked: .asked
      case .held: .held
      case .granted(isShared: false): .unshared
      case .granted(isShared: true): nil
      }
    }
  }

  struct Question: Sendable {
    enum Kind: Sendable {
      case claim(FleetBatch.Claim, since: Int64)
      case find(FleetKey)
      case mark(FleetKey, JobID)
      case remove(String)
    }

    var kind: Kind
    var deadline: MonotonicTime
    var isSent = false
  }

  struct Copied: Filed {
    enum File: Sendable {
      case missing
      /// Missing, and a caller waits for it.
      case awaited
    }

    var key: FleetKey
    /// From when on the database has to have it: a job that ends at once is not copied.
    var due: MonotonicTime
    var isThere = false
    var isSent = false
    /// Until when a caller waits for it; `nil`: nobody does.
    var deadline: MonotonicTime?

    var file: File? { isThere ? nil : deadline == nil ? .missing : .awaited }
  }

  enum Link: Sendable, Equatable {
    case down(retryAt: MonotonicTime)
    case joining
    case joined
  }

  /// A request waits for the database at most this long.
  static let patience = Duration.seconds(1)
  /// Jobs that wait for other members go on without the database after this time.
  static let patienceOfJobs = Duration.milliseconds(1200)
  /// A call that has to wait for its pace, once the database has heard of it, may begin for this long.
  static let timeOfMark = Duration.seconds(1)
  static let copyPause = Duration.milliseconds(200)
  static let tick = Duration.milliseconds(250)
  static let mostOfAKind = 500
  /// So many results at most may have been told without a note on disk: notes are written a little later.
  static let mostUnnoted = 4 * mostOfAKind
  /// Registrations of others that are read at a time: each has a certificate.
  static let mostRead = 20
  /// What the disk or the queue did not take is tried again after this time.
  static let pauseOfRows = Duration.seconds(30)
  /// A member that works on this many certificates lets this time pass from one exchange to the next: more comes
  /// meanwhile.
  static let busyWork = 8
  static let busyPause = Duration.milliseconds(10)
  /// No clock gives a later time, in microseconds since 1970: the year 3000.
  static let highestTime = FleetProgress.numbers.upperBound
  /// The pause between two pages of what others told. It leaves a host that comes back time for its own work.
  static let feedPause = Duration.milliseconds(100)
  /// In microseconds: a day.
  static let mostAhead: Int64 = 86_400_000_000

  let name: String
  var link: Link
  /// Rows of the database on their way to this member's disk.
  var rowsUnderWay: Set<Int64> = []
  var problem: FleetProblem?
  /// When `link` was joined for the last time, or the start.
  var reachedAt: MonotonicTime
  var since: WallTime
  var failures = 0
  var inFlight: (batch: FleetBatch, at: MonotonicTime)?
  var tickedAt: MonotonicTime?
  var exchangedAt: MonotonicTime?
  var cleanedAt: MonotonicTime?
  var work = FiledTable<FleetKey, Work>()
  /// Certificates of others, in the order in which the database is asked about them again.
  var turns: [FleetKey] = []
  var questions: [Token: Question] = [:]
  var nextToken: Token = 1
  /// By the job's sequence.
  var copies = FiledTable<Int64, Copied>()
  /// Rows of this member with a lower sequence are those of its own jobs. Others have numbers that came to no disk: the
  /// process stopped before, or the disk was restored. Other jobs get these numbers.
  var ownSequences: Int64 = 0
  var endedCopies: [Int64] = []
  var endedRows: [Int64] = []
  /// Rows of this member without a job, whose registrations have to be read.
  var unreadRows: [Int64] = []
  /// The same, which this host's disk did not take, or its queue.
  var postponedRows: [Int64] = []
  var postponedAt: MonotonicTime
  var leftRows: [Int64] = []
  var releases: Set<FleetKey> = []
  var leftClaims: Set<FleetKey> = []
  /// Results to tell, with their stamps.
  var dirty: [FleetKey: Int64] = [:]
  package internal(set) var sentNumber: Int64
  /// Results get higher numbers than this one.
  var leastNumber: Int64 = 0
  package internal(set) var positions: [String: Int64] = [:]
  /// When this member last heard what others told, in microseconds of the database's clock; 0: never.
  package internal(set) var newsAt: Int64
  var members: [FleetReply.Member] = []
  var membersAt: MonotonicTime
  /// The database's content at the last exchange; `nil`: there was none.
  package internal(set) var fleetID: String?
  var lanes: [FleetLane.ID: FleetLane.State] = [:]
  /// The lanes that the database has this member's part of; `nil`: not known.
  var toldLanes: Set<FleetLane.ID>?
  /// What the database's clock is ahead of this host's.
  package internal(set) var offsetMicroseconds: Int64 = 0
  var lastStamp: Int64 = 0
  var random: SplitMix64
  var actions: [Action] = []

  /// - Parameters:
  ///   - name: The member's name.
  ///   - progress: What the process before has left.
  ///   - seed: Spreads attempts to connect.
  ///   - now: The time of the start.
  package init(name: String, progress: FleetProgress = FleetProgress(), seed: UInt64, now: Moment) {
    self.name = name
    newsAt = progress.newsAt
    offsetMicroseconds = progress.offsetMicroseconds
    sentNumber = progress.sentNumber
    fleetID = progress.fleetID
    positions = progress.positions
    random = SplitMix64(seed: seed)
    link = .down(retryAt: now.monotonic)
    reachedAt = now.monotonic
    membersAt = now.monotonic
    postponedAt = now.monotonic
    since = now.wall
  }

  /// Begins.
  ///
  /// - Parameters:
  ///   - sentNumber: The highest number of a result that the database ever had of this member.
  ///   - lastStamp: The highest stamp on this host's disk.
  ///   - firstSequence: Above those of all jobs that earlier processes had.
  ///   - now: The time of the event.
  package mutating func start(sentNumber: Int64, lastStamp: Int64 = 0, firstSequence: Int64, now: Moment) {
    ownSequences = firstSequence
    // Also one that a clock gave which was far ahead: what happens from now on is later.
    self.lastStamp = max(self.lastStamp, min(lastStamp, Self.highestTime))
    // Numbers that no member gives are ignored. Where the database has heard of higher ones, everything is told again.
    if FleetProgress.numbers.contains(sentNumber) { self.sentNumber = max(self.sentNumber, sentNumber) }
    link = .down(retryAt: now.monotonic)
    reachedAt = now.monotonic
    timePassed(now: now)
  }

  /// How many members there are at work, this one included, as far as it is known.
  package var membersAtWork: Int { max(1, members.count { !$0.isGone || $0.name == name }) }

  /// How many results have to be told.
  package var untold: Int { dirty.count }

  /// The effects of the events so far, which are handed out once.
  package mutating func takeActions() -> [Action] {
    defer { actions = [] }
    return actions
  }
}
