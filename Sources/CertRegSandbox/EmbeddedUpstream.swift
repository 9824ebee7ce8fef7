package import CertRegCore
import Synchronization

/// An upstream inside the process, for a daemon without an account: registers at once and forgets at the end.
///
/// The certificate is taken as the daemon judged it. Nobody can ask an embedded upstream for a certificate, so it keeps
/// IDs and not certificates.
package final class EmbeddedUpstream: UpstreamClient {
  private struct State: Sendable {
    var register: SandboxRegister
    var generator: SeededGenerator
  }

  private let clock: SandboxClock
  /// Protects the register and the IDs.
  private let state: Mutex<State>

  package convenience init(
    region: String = SandboxAccount.defaultRegion, account: String = SandboxAccount.defaultID
  ) {
    self.init(SandboxAccount(region: region, id: account), clock: .system, seed: .random(in: .min ... .max))
  }

  package init(_ account: SandboxAccount, clock: SandboxClock, seed: UInt64) {
    self.clock = clock
    state = Mutex(State(register: SandboxRegister(account: account), generator: SeededGenerator(seed: seed)))
  }

  /// How many certificates are registered.
  package var certificateCount: Int {
    state.withLock { $0.register.count }
  }

  package func registerCertificateWithoutCA(_ call: UpstreamCall) async -> UpstreamReply {
    let now = clock.wallTime()
    let epoch = WallTime(millisecondsSinceEpoch: 0)
    let certificate = JudgedCertificate(id: call.certificateID, der: [], notBefore: epoch, notAfter: epoch)
    return state.withLock { state in
      let requestID = state.generator.nextID().description
      do throws(SandboxError) {
        let change = try state.register.registration(
          of: certificate, status: call.status, at: now, generationID: state.generator.nextID())
        state.register.apply(change)
        return .registered(
          certificateARN: state.register.account.arn(of: call.certificateID), requestID: requestID)
      } catch {
        return EmbeddedUpstream.reply(to: error, requestID: requestID)
      }
    }
  }

  package func shutdown() async {}

  private static func reply(to error: SandboxError, requestID: String) -> UpstreamReply {
    if error.kind == .resourceAlreadyExists, let arn = error.resourceARN {
      return .alreadyExists(certificateARN: arn, requestID: requestID)
    }
    // A register in memory refuses nothing but a status and a certificate that it has.
    let kind = ServiceError.Kind(rawValue: error.kind.rawValue) ?? .internalFailure
    return .failed(
      UpstreamFailure(
        error: ServiceError(
          kind, reason: "upstream_refused", message: error.message, origin: .upstream, requestID: requestID),
        disposition: .final))
  }
}
