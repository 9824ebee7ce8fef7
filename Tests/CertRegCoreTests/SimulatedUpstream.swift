import CertRegCore
import CertRegTesting

/// The registers of all targets: the truth about each certificate.
struct SimulatedUpstream {
  struct Certificate {
    var status: CertificateStatus
    /// The row whose call registered it; `nil`: another client's call.
    var serial: Int?
    /// Statuses that the daemon may still report: those before another client's change, and those that a lost answer
    /// made impossible to tell from the truth.
    var excused: Set<CertificateStatus> = []

    func mayBeToldAs(_ told: CertificateStatus) -> Bool { told == status || excused.contains(told) }
  }

  struct Call: Hashable {
    var key: RegistrationKey
    var status: CertificateStatus?
    /// The row that the call was made for.
    var serial: Int?
  }

  /// Targets that the daemon asks for the status of a certificate that exists.
  let describingTargets: Set<TargetName>
  var unwellTargets: Set<TargetName> = []
  private(set) var certificates: [RegistrationKey: Certificate] = [:]
  private var random: SplitMix64

  init(describingTargets: Set<TargetName>, seed: UInt64) {
    self.describingTargets = describingTargets
    random = SplitMix64(seed: seed)
  }

  /// A call arrives. Its answer may get lost.
  mutating func take(_ call: Call) {
    guard certificates[call.key] == nil else { return }
    certificates[call.key] = Certificate(status: Self.status(named: call.status), serial: call.serial)
  }

  /// AWS IoT registers a certificate as INACTIVE if the call names no status.
  static func status(named: CertificateStatus?) -> CertificateStatus { named ?? .inactive }

  mutating func answer(_ call: Call) -> UpstreamReply {
    guard !unwellTargets.contains(call.key.target) else { return Self.unavailable(mayHaveTakenEffect: false) }
    switch Int.random(in: 0..<40, using: &random) {
    case 0..<4: return Self.failed(.throttling, .throttled(retryAfter: nil))
    case 4..<8:
      if Bool.random(using: &random) { take(call) }
      return Self.unavailable(mayHaveTakenEffect: true)
    case 8 where certificates[call.key] == nil: return Self.failed(.certificateValidation, .final)
    case 9: return Self.failed(.unauthorized, .identity)
    default:
      if let certificate = certificates[call.key] { return exists(certificate, call.key) }
      take(call)
      return .registered(certificateARN: "arn", requestID: nil)
    }
  }

  /// A 409. Sometimes DescribeCertificate fails, and the status stays unknown.
  private mutating func exists(_ certificate: Certificate, _ key: RegistrationKey) -> UpstreamReply {
    let isDescribed = describingTargets.contains(key.target) && Int.random(in: 0..<4, using: &random) > 0
    return .alreadyExists(
      certificateARN: "arn", status: isDescribed ? certificate.status : nil, requestID: nil)
  }

  /// Another client registers the certificate, or sets its status.
  mutating func othersUse(_ key: RegistrationKey, _ status: CertificateStatus) {
    if let certificate = certificates[key] {
      certificates[key]?.excused.insert(certificate.status)
      certificates[key]?.status = status
    } else {
      certificates[key] = Certificate(status: status)
    }
  }

  mutating func excuse(_ status: CertificateStatus, of key: RegistrationKey) {
    certificates[key]?.excused.insert(status)
  }

  private static func unavailable(mayHaveTakenEffect: Bool) -> UpstreamReply {
    failed(.serviceUnavailable, .unavailable(retryAfter: nil), mayHaveTakenEffect: mayHaveTakenEffect)
  }

  private static func failed(
    _ kind: ServiceError.Kind, _ disposition: UpstreamFailure.Disposition, mayHaveTakenEffect: Bool = false
  ) -> UpstreamReply {
    .failed(
      UpstreamFailure(
        error: ServiceError(kind, reason: "simulated", message: "x"), disposition: disposition,
        mayHaveTakenEffect: mayHaveTakenEffect))
  }
}
