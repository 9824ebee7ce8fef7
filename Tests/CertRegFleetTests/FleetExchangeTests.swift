import CertRegCore
import Testing

@testable import CertRegFleet

/// The statements of an exchange.
@Suite struct FleetExchangeTests {
  private let key = FleetKey(certificateID: CertificateID(words: (1, 2, 3, 4)), target: "t")
  private let session = FleetSession(
    identity: FleetIdentity(name: "m", instance: "i", takeover: .seconds(120)), number: 1)

  private func names(_ batch: FleetBatch) -> [String] { FleetExchange(batch, session).statements.map(\.name) }

  private func lane(isNews: Bool) -> FleetLane.Report {
    FleetLane.Report(
      id: FleetLane.ID(target: "t", operation: "o"), want: 1, share: 1, throttles: 0, learnt: nil, version: 1,
      first: FleetLane.Rate(callsPerSecond: 1), isNews: isNews)
  }

  private var full: FleetBatch {
    var batch = FleetBatch()
    batch.isFull = true
    batch.hearsRevocations = true
    batch.positions = ["n": 1]
    return batch
  }

  @Test func `a member with nothing to say says that it lives, and hears of the others`() {
    var batch = full
    batch.lanes = [lane(isNews: false)]
    #expect(names(batch) == ["beginFull", "revoke_feed_member_lanes_tick"])
  }

  @Test func `a share is told under the lock of its lane, and read behind it`() {
    var batch = full
    batch.lanes = [lane(isNews: true)]
    #expect(names(batch) == ["beginFull", "lockLanes", "tellShares", "revoke_feed_member_lanes_tick"])
  }

  @Test func `the call of a registration costs one statement, and its end another one`() {
    var batch = FleetBatch()
    batch.marks = [key]
    #expect(names(batch) == ["beginAndMark"])
    batch = FleetBatch()
    batch.results = [SharedResult(key: key, stamp: 1, content: nil)]
    batch.firstNumber = 1
    batch.releases = [key]
    batch.endedCopies = [1]
    #expect(names(batch) == ["beginT_tell_releas_endCop"])
  }

  @Test func `a claim that has to stay for the next member is left before others are given up`() {
    var batch = FleetBatch()
    batch.results = [SharedResult(key: key, stamp: 1, content: nil)]
    batch.firstNumber = 1
    batch.leftClaims = [key]
    batch.endedCopies = [1]
    #expect(names(batch) == ["beginT_tell", "leaveCalled", "releas_endCop"])
  }

  @Test func `what is known is read behind the claims that were waited for`() {
    var batch = FleetBatch()
    batch.claims = [FleetBatch.Claim(key: key, isCalled: false)]
    #expect(names(batch) == ["begin", "claim", "known_holder"])
  }

  @Test func `joined statements have their parameters one behind the other`() {
    var batch = full
    batch.results = [SharedResult(key: key, stamp: 1, content: nil)]
    batch.firstNumber = 1
    batch.releases = [key]
    batch.endedCopies = [1]
    batch.copies = [FleetBatch.Copy(sequence: 2, key: key, request: [1])]
    batch.claims = [FleetBatch.Claim(key: key, isCalled: true)]
    batch.lanes = [lane(isNews: false)]
    var apart = batch
    apart.isFull = false
    for statement in FleetExchange(batch, session).statements + FleetExchange(apart, session).statements {
      let used = Set(statement.text().matches(of: /\$([0-9]+)/).compactMap { Int($0.1) })
      #expect(used == Set(1...statement.parameters.count), "\(statement.name)")
    }
  }
}
