import CertRegCore
import CertRegFleet
import CertRegHost
import Logging

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

  func writeFile() {
    var file = writtenFile
    // Positions in another content of the database mean nothing.
    if file.fleetID != member.fleetID { durablePositions = [:] }
    file.fleetID = member.fleetID
    file.positions = durablePositions
    durablePositions = member.positions
    writtenAt = parts.clock.monotonic
    guard file != writtenFile else { return }
    writtenFile = file
    parts.workers.submit { [file, directory = parts.directory, logger = parts.logger] in
      do throws(DaemonError) { try file.write(in: directory) } catch { logger.warning("\(error.description)") }
    }
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

  /// A target of this host whose name means another upstream to a member that was there before.
  private func differingTarget(_ members: [FleetReply.Member]) -> FleetProblem? {
    guard member.isJoined, let own = members.first(where: { $0.name == parts.identity.name }) else { return nil }
    for other in members where !other.isGone && other.name != own.name && other.joined < own.joined {
      for text in other.targets {
        guard let theirs = FleetTarget(text: text), let ours = parts.known.home(of: theirs.name).location,
          engine?.targetNames.contains(theirs.name) ?? false, ours != theirs.location
        else { continue }
        return FleetProblem(
          .targetDiffers,
          "the target \(theirs.name) is \(ours) here and \(theirs.location) on \(other.name): each uses its own")
      }
    }
    return nil
  }
}
