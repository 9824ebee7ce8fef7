package import CertRegCore
import Synchronization

/// An upstream inside the process, for a daemon without an account: registers at once and forgets at the end.
///
/// It takes the certificate as the daemon judged it, and decides by the rules of ``SandboxRegister``. Nobody can ask it
/// for a certificate, so it keeps their IDs, their statuses and what is attached to them: a million of them take less than
/// 100 MB, as long as they are only registered.
package final class EmbeddedUpstream: UpstreamClient {
  private struct State: Sendable {
    var statuses: [CertificateID: CertificateStatus] = [:]
    var devices = EmbeddedDevices()
    var generator: SplitMix64
  }

  private let account: SandboxAccount
  /// Protects the IDs of certificates and the source of those of requests.
  private let state: Mutex<State>

  /// An upstream with an account of its own and random IDs of requests.
  package convenience init(
    region: String = SandboxAccount.defaultRegion, account: String = SandboxAccount.defaultID
  ) {
    self.init(SandboxAccount(region: region, id: account), seed: .random(in: .min ... .max))
  }

  /// An upstream for `account` without certificates; `seed` decides the IDs of requests.
  package init(_ account: SandboxAccount, seed: UInt64) {
    self.account = account
    state = Mutex(State(generator: SplitMix64(seed: seed)))
  }

  package var location: UpstreamLocation { .embedded(region: account.region) }

  /// How many certificates are registered.
  package var certificateCount: Int {
    state.withLock(\.statuses.count)
  }

  package func perform(_ call: UpstreamCall) async -> UpstreamReply {
    switch call {
    case .registerCertificateWithoutCA(let call): registerCertificateWithoutCA(call)
    case .updateCertificate(let call): updateCertificate(call)
    case .provision(let call): provision(call)
    }
  }

  /// What is known of a certificate, which was registered without a CA.
  ///
  /// - Throws: A final failure of the kind `resourceNotFound` if the certificate is not registered.
  package func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate {
    let (status, attached) = state.withLock { ($0.statuses[certificateID], $0.devices.attachments(of: certificateID)) }
    guard let status else { throw failure(.noCertificate) }
    return UpstreamCertificate(
      certificateARN: account.arn(of: certificateID), status: status, mode: "SNI_ONLY", things: attached.things,
      policies: attached.policies)
  }

  private func provision(_ call: ProvisioningCall) -> UpstreamReply {
    let result: Result<(DeviceResources, UniqueID), SandboxError> = state.withLock { state in
      guard var status = state.statuses[call.certificateID] else { return .failure(.noCertificate) }
      do throws(SandboxError) {
        let resources = try state.devices.perform(call, in: account, &status)
        state.statuses[call.certificateID] = status
        return .success((resources, state.generator.nextID()))
      } catch { return .failure(error) }
    }
    switch result {
    case .success((let resources, let requestID)):
      return .provisioned(resources, requestID: requestID.description)
    case .failure(let error): return refusal(error)
    }
  }

  /// Sets the status of a certificate. A revoked one stays revoked
  /// (https://docs.aws.amazon.com/iot/latest/developerguide/revoke-ca-cert.html).
  private func updateCertificate(_ call: UpdateCertificateCall) -> UpstreamReply {
    let result: Result<UniqueID, SandboxError> = state.withLock { state in
      guard let known = state.statuses[call.certificateID] else {
        return .failure(.noCertificate)
      }
      guard call.status.canBeSet, known != .revoked || call.status == .revoked else {
        return .failure(
          SandboxError(
            .certificateState, "Not allowed to update certificate from \(known.rawValue) to \(call.status.rawValue)"))
      }
      state.statuses[call.certificateID] = call.status
      return .success(state.generator.nextID())
    }
    switch result {
    case .success(let requestID): return .updated(requestID: requestID.description)
    case .failure(let error): return refusal(error)
    }
  }

  /// Registers a certificate, or says that it is registered already.
  package func registerCertificateWithoutCA(_ call: RegisterCertificateCall) -> UpstreamReply {
    do throws(SandboxError) {
      if let status = call.status { try SandboxRegister.checkRegistrable(status) }
    } catch {
      return refusal(error)
    }
    let (known, requestID) = state.withLock { state in
      let known = state.statuses[call.certificateID]
      if known == nil { state.statuses[call.certificateID] = call.status ?? .ofUnnamed }
      return (known, state.generator.nextID())
    }
    let arn = account.arn(of: call.certificateID)
    guard let known else { return .registered(certificateARN: arn, requestID: requestID.description) }
    return .alreadyExists(
      certificateARN: arn, status: call.needsStatus ? known : nil, requestID: requestID.description)
  }

  package func shutdown() async {}

  private func refusal(_ error: SandboxError) -> UpstreamReply { .failed(failure(error)) }

  private func failure(_ error: SandboxError) -> UpstreamFailure {
    let requestID = state.withLock { $0.generator.nextID() }
    let kind = ServiceError.Kind(rawValue: error.kind.rawValue) ?? .internalFailure
    let reason: Reason =
      switch kind {
      case .resourceNotFound: .certificateNotFound
      case .resourceAlreadyExists: .thingDiffers
      default: .upstreamRefused
      }
    return UpstreamFailure(
      error: ServiceError(
        kind, reason: reason, message: error.message,
        origin: .upstream, requestID: requestID.description),
      disposition: .final)
  }
}

extension SandboxError {
  fileprivate static let noCertificate = SandboxError(
    .resourceNotFound, "The certificate given in the request does not exist.")
}
