import CertRegCodec
import CertRegCore
import CertRegProtocol

extension JSONWriter {
  /// The member `fleet` of the answer to `status`.
  mutating func fleet(_ fleet: FleetReport) {
    beginObject("fleet")
    member("state", fleet.isConnected ? "connected" : "alone")
    member("member", fleet.member)
    member("since", fleet.since.rfc3339)
    member("database", fleet.database)
    beginArray("members")
    for known in fleet.members {
      beginObject()
      member("name", known.name)
      member("heardOfSecondsAgo", (known.heardOfSecondsAgo * 10).rounded() / 10)
      member("queued", known.queued)
      if known.isGone { member("gone", true) }
      beginObject("shares")
      for share in known.shares.sorted(by: { $0.target.rawValue < $1.target.rawValue }) {
        member(share.target.rawValue, (share.callsPerSecond * 100).rounded() / 100)
      }
      endObject()
      endObject()
    }
    endArray()
    if let problem = fleet.problem {
      beginObject("problem")
      member("reason", problem.reason.rawValue)
      member("message", problem.message)
      endObject()
    }
    endObject()
  }
}
