import CertRegCore

extension RequestOperation {
  /// The members that a request may have besides `id` and `op`.
  var members: MemberSet {
    switch self {
    case .register:
      [
        .certificatePem, .status, .target, .ifExists, .deviceId, .provision, .attributes, .refresh, .wait, .timeoutMs,
      ]
    case .validate: [.certificatePem]
    case .lookup: [.certificateId, .certificatePem, .target]
    case .forget: [.certificateId, .target]
    case .update: [.certificateId, .certificatePem, .status, .target, .wait, .timeoutMs]
    case .describe: [.certificateId, .certificatePem, .target, .timeoutMs]
    case .watch: [.target, .outcome]
    case .status, .metrics: []
    case .removeMember: [.member]
    }
  }

  /// Whether `target` may be an array of names.
  var takesManyTargets: Bool {
    self == .register || self == .update || self == .watch
  }
}

/// The members of a request, by their names on the wire.
enum Member: UInt8, CaseIterable {
  case id
  case op
  case certificatePem
  case certificateId
  case status
  case target
  case ifExists
  case refresh
  case wait
  case timeoutMs
  case outcome
  case deviceId
  case provision
  case attributes
  case member

  var name: StaticString {
    switch self {
    case .id: "id"
    case .op: "op"
    case .certificatePem: "certificatePem"
    case .certificateId: "certificateId"
    case .status: "status"
    case .target: "target"
    case .ifExists: "ifExists"
    case .refresh: "refresh"
    case .wait: "wait"
    case .timeoutMs: "timeoutMs"
    case .outcome: "outcome"
    case .deviceId: "deviceId"
    case .provision: "provision"
    case .attributes: "attributes"
    case .member: "member"
    }
  }
}

/// A set of members.
struct MemberSet: OptionSet, Sendable {
  var rawValue: UInt16

  init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  init(_ member: Member) {
    self.rawValue = 1 << UInt16(member.rawValue)
  }

  static let certificatePem = MemberSet(.certificatePem)
  static let certificateId = MemberSet(.certificateId)
  static let status = MemberSet(.status)
  static let target = MemberSet(.target)
  static let ifExists = MemberSet(.ifExists)
  static let refresh = MemberSet(.refresh)
  static let wait = MemberSet(.wait)
  static let timeoutMs = MemberSet(.timeoutMs)
  static let outcome = MemberSet(.outcome)
  static let deviceId = MemberSet(.deviceId)
  static let provision = MemberSet(.provision)
  static let attributes = MemberSet(.attributes)
  static let member = MemberSet(.member)
  /// The members that every request may have.
  static let common: MemberSet = [MemberSet(.id), MemberSet(.op)]

  func contains(_ member: Member) -> Bool {
    contains(MemberSet(member))
  }

  /// The members in the order of their declaration.
  var list: [Member] {
    Member.allCases.filter { contains($0) }
  }
}
