package import CertRegCodec
package import CertRegCore

/// A request whose form was checked, with positions in its line in place of copies.
///
/// It is valid only together with the line that it was parsed from. Checks that need more than the line come later: the
/// length and content of `certificatePem`, and whether a target is configured.
package struct RequestLine: Hashable, Sendable {
  /// The JSON text of `id` exactly as it was written: a string with its quotes, a number or `null`. `nil`: there is
  /// none.
  package var id: Range<Int>?
  /// The member `op`.
  package var operation = RequestOperation.register
  /// Present for `register` and `validate`; for `lookup`, `update` and `describe` where `certificateID` is not.
  package var certificatePem: JSONText?
  /// Present for `forget`; for `lookup`, `update` and `describe` where `certificatePem` is not.
  package var certificateID: CertificateID?
  /// Present for `update`; of `register` `nil` means the configured default.
  package var status: CertificateStatus?
  /// The member `target`.
  package var target = TargetSelection.none
  /// The member `ifExists`.
  package var ifExists = IfExists.return
  /// The member `deviceId`: 1 to 128 characters. `nil`: there is none.
  package var deviceID: JSONText?
  /// The member `member`: 1 to 128 characters. Present for `removeMember`.
  package var member: JSONText?
  /// The member `provision`.
  package var provision = ProfileSelection.default
  /// The member `attributes`; `nil`: there is none.
  package var attributes: AttributesText?
  /// The member `refresh`.
  package var refresh = false
  /// The member `wait`.
  package var wait = true
  /// 1 to 300,000; `nil`: the configured default.
  package var timeoutMilliseconds: Int?
  /// Filter of `watch`; `nil`: every outcome.
  package var outcome: WatchOutcome?

  package init() {}
}

/// The targets that a request names. The names are as the caller wrote them, not yet known to be configured.
package enum TargetSelection: Hashable, Sendable {
  /// The member is absent: the default target.
  case none
  /// One name: the answer is an object of its own.
  case one(JSONText)
  /// An array of 1 to `LineParser.maxTargets` names: the answer has an array of results in the same order.
  case many(TargetsText)
}

/// The profile that a request names. The name is as the caller wrote it, not yet known to be configured.
package enum ProfileSelection: Hashable, Sendable {
  /// The member is absent: the target's own profile.
  case `default`
  /// `null`: the certificate is only registered.
  case none
  case named(JSONText)
}

/// How a request ended, as `watch` filters by it.
package enum WatchOutcome: String, CaseIterable, Sendable {
  case created
  case existing
  /// A status was set.
  case updated
  case failed
}
