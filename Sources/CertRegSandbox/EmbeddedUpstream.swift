package import CertRegCore
import Synchronization

/// An upstream inside the process, for a daemon without an account: registers at once and forgets at the end.
///
/// It takes the certificate as the daemon judged it, without its text. A million certificates take less than 100 MB, as
/// long as they are only registered.
package final class EmbeddedUpstream: UpstreamClient {
  private struct State: Sendable {
    var account: EmbeddedAccount
    var generator: SplitMix64
  }

  private let account: SandboxAccount
  private let clock: HostClock
  /// Protects what is registered and the source of the IDs of requests.
  private let state: Mutex<State>

  /// An upstream with an account of its own and random IDs of requests.
  package convenience init(
    region: String = SandboxAccount.defaultRegion, account: String = SandboxAccount.defaultID, clock: HostClock
  ) {
    self.init(SandboxAccount(region: region, id: account), clock: clock, seed: .random(in: .min ... .max))
  }

  /// An upstream for `account` without certificates; `seed` decides the IDs of requests.
  package init(_ account: SandboxAccount, clock: HostClock, seed: UInt64) {
    self.account = account
    self.clock = clock
    var generator = SplitMix64(seed: seed)
    state = Mutex(State(account: EmbeddedAccount(account, seed: generator.next()), generator: generator))
  }

  package var location: UpstreamLocation { .embedded(region: account.region) }

  /// Whether the status of a certificate that is registered already comes with every answer, as for a target with
  /// `describeExisting`.
  package func setDescribesExisting(_ describes: Bool) {
    state.withLock { $0.account.describesExisting = describes }
  }

  /// How many certificates are registered.
  package var certificateCount: Int {
    state.withLock(\.account.certificateCount)
  }

  package func perform(_ call: UpstreamCall) async -> UpstreamReply {
    let now = clock.wall
    switch call {
    case .registerCertificateWithoutCA(let call): return registerCertificateWithoutCA(call)
    case .updateCertificate(let call):
      return carryOut(of: call.certificateID) { account, requestID throws(SandboxError) in
        try account.update(call, at: now)
        return .updated(requestID: requestID)
      }
    case .provision(let call):
      return carryOut(of: call.certificateID) { account, requestID throws(SandboxError) in
        .provisioned(try account.perform(call, at: now), requestID: requestID)
      }
    }
  }

  /// Registers a certificate, or says that it is registered already.
  package func registerCertificateWithoutCA(_ call: RegisterCertificateCall) -> UpstreamReply {
    let arn = account.arn(of: call.certificateID)
    return carryOut(of: call.certificateID) { account, requestID throws(SandboxError) in
      guard let known = try account.register(call) else {
        return .registered(certificateARN: arn, requestID: requestID)
      }
      let tellsStatus = call.needsStatus || account.describesExisting
      return .alreadyExists(certificateARN: arn, status: tellsStatus ? known : nil, requestID: requestID)
    }
  }

  /// What is known of a certificate, which was registered without a CA.
  ///
  /// - Throws: A final failure of the kind `resourceNotFound` if the certificate is not registered.
  package func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate {
    try state.withLock { state throws(UpstreamFailure) in
      do throws(SandboxError) {
        return try state.account.describe(certificateID)
      } catch {
        throw UpstreamFailure(error, requestID: state.generator.nextID(), certificateIsRegistered: false)
      }
    }
  }

  package func shutdown() async {}

  /// Carries out a call for a certificate, one call at a time.
  private func carryOut(
    of id: CertificateID, _ call: (inout EmbeddedAccount, _ requestID: String) throws(SandboxError) -> UpstreamReply
  ) -> UpstreamReply {
    state.withLock { state in
      let requestID = state.generator.nextID()
      do throws(SandboxError) {
        return try call(&state.account, requestID.description)
      } catch {
        let isRegistered = state.account.status(of: id) != nil
        return .failed(UpstreamFailure(error, requestID: requestID, certificateIsRegistered: isRegistered))
      }
    }
  }
}

extension UpstreamFailure {
  /// The failure as which the daemon takes the same error over HTTP.
  fileprivate init(_ error: SandboxError, requestID: UniqueID, certificateIsRegistered: Bool) {
    let kind: ServiceError.Kind =
      switch error.kind {
      case .resourceRegistrationFailure: .invalidRequest
      default: ServiceError.Kind(rawValue: error.kind.rawValue) ?? .internalFailure
      }
    let reason: Reason =
      switch kind {
      case .resourceNotFound: certificateIsRegistered ? .thingOrCertificateNotFound : .certificateNotFound
      case .resourceAlreadyExists: .thingDiffers
      case .limitExceeded: .limitExceeded
      default: .upstreamRefused
      }
    self.init(
      error: ServiceError(
        kind, reason: reason, message: error.message, origin: .upstream, requestID: requestID.description,
        upstreamType: error.kind.rawValue == kind.rawValue ? nil : error.kind.rawValue),
      disposition: .final)
  }
}
