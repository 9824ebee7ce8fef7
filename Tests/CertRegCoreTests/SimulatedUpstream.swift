import CertRegCore
import CertRegTesting

/// The registers of all targets: the truth about each certificate.
struct SimulatedUpstream {
  struct Certificate {
    /// All statuses so far; the last one is the present one.
    var statuses: [CertificateStatus]
    /// The row whose call registered it; `nil`: another client's call.
    var serial: Int64?
    /// The first of `statuses` that the daemon may still report. Those before it have changed by calls of the daemon's
    /// own that it has answered for.
    var floor = 0
    /// Statuses that the daemon may report, too, since a lost answer made it impossible to tell them from the truth.
    var excused: Set<CertificateStatus> = []

    var status: CertificateStatus { statuses[statuses.count - 1] }
    var version: Int { statuses.count - 1 }

    func mayBeToldAs(_ told: CertificateStatus) -> Bool { statuses[floor...].contains(told) || excused.contains(told) }
  }

  struct Call: Hashable {
    enum Kind: Hashable {
      case register
      case update
      case provision(ProvisioningAction)
    }

    /// The row that the call was made for.
    var id: JobID
    var kind: Kind
    var status: CertificateStatus?
    /// Whether the status of a certificate that exists is asked for.
    var needsStatus = false

    var key: RegistrationKey { id.key }

    var operation: UpstreamOperation {
      switch kind {
      case .register: .registerCertificateWithoutCA
      case .update: .updateCertificate
      case .provision(let action): action.operation
      }
    }
  }

  /// Targets that the daemon asks for the status of a certificate that exists.
  let describingTargets: Set<TargetName>
  var unwellTargets: Set<TargetName> = []
  /// Operations that fail in all targets.
  var unwellOperations: Set<UpstreamOperation> = []
  private(set) var certificates: [RegistrationKey: Certificate] = [:]
  /// What was done for each certificate beside its registration.
  var devices = SimulatedDevices()
  private var random: SplitMix64

  init(describingTargets: Set<TargetName>, seed: UInt64) {
    self.describingTargets = describingTargets
    random = SplitMix64(seed: seed)
  }

  /// A call arrives. Its answer may get lost.
  ///
  /// - Returns: Whether it changed anything.
  @discardableResult
  mutating func take(_ call: Call) -> Bool {
    switch (call.kind, certificates[call.key]) {
    case (.register, nil):
      certificates[call.key] = Certificate(
        statuses: [Self.status(named: call.status)], serial: call.id.sequence)
    case (.update, _?): certificates[call.key]?.statuses.append(Self.status(named: call.status))
    case (.provision(let action), _?):
      if devices.take(action, call.key) != nil { return false }
      noteStatus(action, call.key)
    case (.register, _), (.update, nil), (.provision, nil): return false
    }
    return true
  }

  /// A template sets the status of the certificate.
  private mutating func noteStatus(_ action: ProvisioningAction, _ key: RegistrationKey) {
    guard case .registerThing(let template) = action, case .set(let status) = template.status else { return }
    certificates[key]?.statuses.append(status)
  }

  /// The daemon knows what became of the certificate up to a version.
  mutating func raiseFloor(of key: RegistrationKey, to version: Int) {
    guard let certificate = certificates[key] else { return }
    certificates[key]?.floor = max(certificate.floor, version)
    certificates[key]?.excused = []
  }

  /// AWS IoT registers a certificate as INACTIVE if the call names no status.
  static func status(named: CertificateStatus?) -> CertificateStatus { named ?? .inactive }

  mutating func answer(_ call: Call) -> UpstreamReply {
    guard !unwellTargets.contains(call.key.target), !unwellOperations.contains(call.operation) else {
      return Self.unavailable(mayHaveTakenEffect: false)
    }
    switch Int.random(in: 0..<40, using: &random) {
    case 0..<4: return Self.failed(.throttling, .throttled(retryAfter: nil))
    case 4..<8:
      if Bool.random(using: &random) { take(call) }
      return Self.unavailable(mayHaveTakenEffect: true)
    case 8 where certificates[call.key] == nil && call.kind == .register:
      return Self.failed(.certificateValidation, .final)
    case 8 where call.kind != .register: return Self.failed(.certificateState, .final)
    case 9: return Self.failed(.unauthorized, .identity)
    default: return answerOfWell(call)
    }
  }

  private mutating func answerOfWell(_ call: Call) -> UpstreamReply {
    switch call.kind {
    case .update: return take(call) ? .updated(requestID: nil) : Self.certificateNotFound
    case .provision(let action):
      guard certificates[call.key] != nil else { return Self.certificateNotFound }
      if let (kind, reason) = devices.take(action, call.key) { return Self.failed(kind, .final, reason: reason) }
      noteStatus(action, call.key)
      if case .createThing(let name, _, _) = action {
        return .provisioned(DeviceResources(thingName: name, thingARN: "arn:thing/" + name), requestID: nil)
      }
      return .provisioned(DeviceResources(), requestID: nil)
    case .register:
      if let certificate = certificates[call.key] { return exists(certificate, call) }
      take(call)
      return .registered(certificateARN: "arn", requestID: nil)
    }
  }

  private static let certificateNotFound = failed(.resourceNotFound, .final, reason: .certificateNotFound)

  /// A 409. Sometimes DescribeCertificate fails, and the status stays unknown.
  private mutating func exists(_ certificate: Certificate, _ call: Call) -> UpstreamReply {
    let isAskedFor = describingTargets.contains(call.key.target) || call.needsStatus
    let isDescribed = isAskedFor && Int.random(in: 0..<4, using: &random) > 0
    return .alreadyExists(
      certificateARN: "arn", status: isDescribed ? certificate.status : nil, requestID: nil,
      undescribed: isAskedFor && !isDescribed ? undescribed() : nil)
  }

  /// Why DescribeCertificate does not tell the status.
  private mutating func undescribed() -> UpstreamFailure? {
    let reply =
      switch Int.random(in: 0..<4, using: &random) {
      case 0: Self.failed(.unauthorized, .identity, reason: .accessDenied)
      case 1: Self.failed(.invalidRequest, .final)
      case 2: Self.unavailable(mayHaveTakenEffect: false)
      default: Self.failed(.throttling, .throttled(retryAfter: nil))
      }
    return reply.failure
  }

  /// What DescribeCertificate tells, with all that is attached; `nil`: there is no such certificate.
  func describe(_ key: RegistrationKey) -> UpstreamCertificate? {
    guard let certificate = certificates[key] else { return nil }
    let attached = devices.attached(to: key)
    return UpstreamCertificate(
      certificateARN: "arn", status: certificate.status, things: attached.things, policies: attached.policies)
  }

  /// Another client registers the certificate, or sets its status.
  mutating func othersUse(_ key: RegistrationKey, _ status: CertificateStatus) {
    if certificates[key] != nil {
      certificates[key]?.statuses.append(status)
    } else {
      certificates[key] = Certificate(statuses: [status])
    }
  }

  mutating func excuse(_ status: CertificateStatus, of key: RegistrationKey) {
    certificates[key]?.excused.insert(status)
  }

  private static func unavailable(mayHaveTakenEffect: Bool) -> UpstreamReply {
    failed(.serviceUnavailable, .unavailable(retryAfter: nil), mayHaveTakenEffect: mayHaveTakenEffect)
  }

  private static func failed(
    _ kind: ServiceError.Kind, _ disposition: UpstreamFailure.Disposition, mayHaveTakenEffect: Bool = false,
    reason: Reason = "simulated"
  ) -> UpstreamReply {
    .failed(
      UpstreamFailure(
        error: ServiceError(kind, reason: reason, message: "x", origin: .upstream), disposition: disposition,
        mayHaveTakenEffect: mayHaveTakenEffect))
  }
}
