package import CertRegCore
package import CertRegProtocol

/// A request that is answered later, with copies of the parts of its line.
package struct OwnedRequest: Sendable {
  /// JSON text of `id`, exactly as it was written; `nil`: there is none.
  package var id: [UInt8]?
  /// The member `op`.
  package var operation: RequestOperation
  /// The unescaped text.
  package var certificatePem: [UInt8]?
  /// The member `certificateId`.
  package var certificateID: CertificateID?
  /// The member `status`; `nil`: the configured default.
  package var status: CertificateStatus?
  /// The member `target`.
  package var targets: Targets
  /// The member `ifExists`.
  package var ifExists: IfExists
  /// The member `deviceId`; `nil`: the request names no device.
  package var deviceID: DeviceID?
  /// The member `member`; `nil`: there is none.
  package var member: String?
  /// The member `provision`.
  package var profile = ProfileChoice.default
  /// The member `attributes`, each name once, in the order in which they were written.
  package var attributes: [NamedText] = []
  /// The member `refresh`.
  package var refresh: Bool
  /// The member `wait`.
  package var wait: Bool
  /// The member `timeoutMs`; `nil`: the configured default.
  package var timeoutMilliseconds: Int?
  /// The member `outcome` of a `watch`; `nil`: every outcome.
  package var watchOutcome: WatchOutcome?

  /// The targets that the request names.
  package enum Targets: Hashable, Sendable {
    case `default`
    case one(String)
    case many([String])

    /// The names that stand in the request, whether or not there are such targets.
    package var named: [TargetName] {
      switch self {
      case .default: []
      case .one(let name): [TargetName(name)]
      case .many(let names): names.map { TargetName($0) }
      }
    }
  }

  /// The profile that the request names.
  package enum ProfileChoice: Hashable, Sendable {
    /// The target's own.
    case `default`
    /// None: the certificate is only registered.
    case none
    case named(String)
  }
}
