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
      write(results.note(member, at: parts.clock.monotonic))
    }
  }

  /// One after the other: the last one stays.
  ///
  /// - Parameter progress: `nil`: nothing has to be written now.
  func write(_ progress: FleetProgress?) {
    guard let progress else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let file = FleetFile(instance: parts.file.instance, progress: progress)
    parts.workers.submit { [loop, directory = parts.directory, logger = parts.logger] in
      do throws(DaemonError) {
        try file.write(in: directory)
        loop.execute { bound.value.wrote(progress) }
      } catch {
        logger.warning("\(error.description)")
        loop.execute { bound.value.notWritten() }
      }
    }
  }

  /// It is tried again.
  private func notWritten() {
    guard isStarted else { return }
    sendHeldBatch(results.progress.failed())
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(Self.fileRetry)) { bound.value.write(bound.value.results.progress.retry()) }
  }

  private func wrote(_ progress: FleetProgress) {
    let (next, batch) = results.progress.wrote(progress)
    write(next)
    sendHeldBatch(batch)
    schedule()
  }

  private func sendHeldBatch(_ batch: FleetBatch?) {
    if isStarted, let batch { exchange(batch) }
  }

  var report: FleetReport {
    let present = member.present
    let age = Double((parts.clock.monotonic - present.at).milliseconds) / 1000
    return FleetReport(
      isConnected: member.isJoined, member: parts.identity.name, since: present.since, database: parts.database,
      problem: present.problem ?? differingTarget,
      members: present.members.map { known in
        FleetReport.Member(
          name: known.name, heardOfSecondsAgo: known.name == parts.identity.name ? 0 : known.heardOfSecondsAgo + age,
          queued: known.queued, isGone: known.isGone,
          shares: member.shares(of: known.name).filter {
            $0.id.operation == UpstreamOperation.registerCertificateWithoutCA.rawValue
          }.compactMap { share in
            FleetTarget(text: share.id.target).map { ($0.name, share.callsPerSecond) }
          })
      }, figures: figures, untold: results.news.count)
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
    guard targets.update(ownTargets, of: parts.identity.name, among: members) else { return }
    let apart = targets.differing.filter { $0.own.location == $0.fleets.location }.map(\.own.name)
    guard parts.known.setApart(Set(apart)) else { return }
    write(results.renamed(member, at: parts.clock.monotonic))
  }

  /// A target of this host whose name means another upstream, or another account, in the fleet.
  private var differingTarget: FleetProblem? {
    guard member.isJoined, let first = targets.differing.first else { return nil }
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
