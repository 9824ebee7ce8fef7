import CertRegCore
import CertRegFleet
import CertRegHost
import Logging
import NIOCore

// What people are told of the fleet, and what the next process has to know.
extension FleetLoop {
  func sayState() {
    parts.activity.note()
    let present = member.present
    let fields: Logger.Metadata = [LogField.fleetMember: "\(parts.identity.name)"]
    if let problem = present.problem {
      parts.logger.log(
        .warning, .fleetAlone, "on its own: \(problem.reason.rawValue): \(problem.message)", fields)
    } else if member.isJoined {
      parts.logger.log(.notice, .fleetJoined, "a member of the fleet in \(parts.database)", fields)
      writeFile()
    }
  }

  func writeFile() { writeFile(untoldAfter: writtenFile.untoldAfter) }

  /// - Parameter number: What was told under higher numbers is being told again; `nil`: nothing is.
  func writeFile(untoldAfter number: Int64?) {
    var file = writtenFile
    file.untoldAfter = number
    if number == nil { isToldAgain = false }
    // Positions in another content of the database mean nothing.
    if file.fleetID != member.fleetID { durablePositions = [:] }
    file.fleetID = member.fleetID
    file.newsAt = member.newsAt
    file.sentNumber = member.sentNumber
    // The least error of the estimate is no reason to write.
    let hasDrifted = (member.offsetMicroseconds &- file.offsetMicroseconds).magnitude > 100_000
    if hasDrifted { file.offsetMicroseconds = member.offsetMicroseconds }
    file.positions = durablePositions
    if hasAdoptedAll { durablePositions = member.positions }
    writtenAt = parts.clock.monotonic
    guard file != writtenFile else { return }
    writtenFile = file
    beginWriting()
  }

  /// One after the other: the last one stays.
  private func beginWriting() {
    guard !isWriting else { return }
    isWriting = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, file = writtenFile, directory = parts.directory, logger = parts.logger] in
      do throws(DaemonError) {
        try file.write(in: directory)
        loop.execute { bound.value.wrote(file) }
      } catch {
        logger.warning("\(error.description)")
        loop.execute { bound.value.notWritten() }
      }
    }
  }

  /// It is tried again. Meanwhile a full disk must not keep this host out of the fleet.
  private func notWritten() {
    guard isStarted else { return }
    isFileFailing = true
    sendHeldBatch()
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(Self.fileRetry)) {
      bound.value.isWriting = false
      bound.value.beginWriting()
    }
  }

  private func wrote(_ file: FleetFile) {
    (isWriting, isFileFailing) = (false, false)
    if file != writtenFile { beginWriting() } else { sendHeldBatch() }
    schedule()
  }

  private func sendHeldBatch() {
    guard let batch = heldBatch else { return }
    heldBatch = nil
    if isStarted { exchange(batch) }
  }

  var report: FleetReport {
    let present = member.present
    let age = Double((parts.clock.monotonic - present.at).milliseconds) / 1000
    return FleetReport(
      isConnected: member.isJoined, member: parts.identity.name, since: present.since, database: parts.database,
      problem: present.problem ?? differingTarget(present.members),
      members: present.members.map { known in
        FleetReport.Member(
          name: known.name, heardOfSecondsAgo: known.name == parts.identity.name ? 0 : known.heardOfSecondsAgo + age,
          queued: known.queued, isGone: known.isGone,
          shares: member.shares(of: known.name).filter {
            $0.id.operation == UpstreamOperation.registerCertificateWithoutCA.rawValue
          }.compactMap { share in
            FleetTarget(text: share.id.target).map { ($0.name, share.callsPerSecond) }
          })
      }, figures: figures, untold: news.count)
  }

  /// The targets of this host, with their accounts where they are known.
  var ownTargets: [FleetTarget] {
    (engine?.targetNames ?? []).compactMap { name in
      let home = parts.known.home(of: name)
      return home.location.map { FleetTarget(name: name, location: $0, account: home.account) }
    }
  }

  /// Keeps apart what is in another account than the fleet's targets are.
  func compareTargets() {
    let members = member.present.members
    guard members.contains(where: { $0.name == parts.identity.name }) else { return }
    let differing = FleetTarget.differing(ownTargets, of: parts.identity.name, among: members)
    let apart = differing.filter { $0.own.location == $0.fleets.location }.map(\.own.name)
    // What was told under the other names has to be told again.
    guard parts.known.setApart(Set(apart)) else { return }
    news = [:]
    tellAgain(after: 0)
  }

  /// A target of this host whose name means another upstream, or another account, in the fleet.
  private func differingTarget(_ members: [FleetReply.Member]) -> FleetProblem? {
    guard member.isJoined, let first = FleetTarget.differing(ownTargets, of: parts.identity.name, among: members).first
    else { return nil }
    let isElsewhere = first.own.location != first.fleets.location
    func place(_ target: FleetTarget) -> String {
      isElsewhere ? "\(target.location)" : "in the account \(target.account?.number ?? "")"
    }
    return FleetProblem(
      .targetDiffers,
      "the target \(first.own.name) is \(place(first.own)) here and \(place(first.fleets)) on \(first.of): each uses its own"
    )
  }
}
