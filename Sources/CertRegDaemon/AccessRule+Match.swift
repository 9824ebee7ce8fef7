import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegSocket

/// Whether a condition holds. The cases are in order: of several conditions that all have to hold, the first case
/// counts.
enum AccessMatch: Int, Comparable {
  case no
  /// A look-up is needed.
  case unknownYet
  /// The look-up was made and failed.
  case undecidable
  case yes

  static func < (left: AccessMatch, right: AccessMatch) -> Bool { left.rawValue < right.rawValue }

  init(_ holds: Bool) {
    self = holds ? .yes : .no
  }
}

extension AccessRule {
  /// The names that have to be looked up to decide about the rule.
  var accountNames: [AccountDatabase.Name] {
    [user?.name(of: .user), group?.name(of: .group)].compactMap { $0 }
  }

  /// Whether everything that the rule names matches the peer.
  ///
  /// - Parameters:
  ///   - unit: The peer's unit; `nil`: not looked up yet.
  ///   - accounts: The numbers of all names; `nil`: not looked up yet.
  func match(_ peer: Peer, unit: Peer.Unit?, accounts: AccountDirectory.Accounts?) -> AccessMatch {
    var match = AccessMatch.yes
    if let user { match = min(match, user.match([peer.uid], .user, accounts)) }
    if let group { match = min(match, group.match([peer.gid] + peer.supplementaryGroups, .group, accounts)) }
    if let name = self.unit {
      switch unit {
      case nil: match = min(match, .unknownYet)
      case .unknown(_)?: match = min(match, .undecidable)
      case .none?: match = .no
      case .named(let other)?: match = min(match, AccessMatch(other == name))
      }
    }
    return match
  }
}

extension AccessRule {
  /// Why the rule cannot be decided: the failed look-ups of the unit and the accounts that it names.
  func failures(of peer: Peer, unit: Peer.Unit?, accounts: AccountDirectory.Accounts?) -> ErrorCause {
    var failures = accountNames.compactMap { name -> String? in
      guard case .failed(let code)? = accounts?[name] else { return nil }
      return "\(name.kind) \(name.text.quoted): \(systemMessage(code)) (errno \(code))"
    }
    if self.unit != nil, case .unknown(let reason)? = unit { failures.append("unit of process \(peer.pid): \(reason)") }
    return ErrorCause(failures.joined(separator: "; "))
  }
}

extension AccessRule.Account {
  fileprivate func name(of kind: AccountDatabase.Name.Kind) -> AccountDatabase.Name? {
    if case .name(let text) = self { AccountDatabase.Name(kind, text) } else { nil }
  }

  /// Whether one of `numbers` is the account's.
  fileprivate func match(
    _ numbers: [UInt32], _ kind: AccountDatabase.Name.Kind, _ accounts: AccountDirectory.Accounts?
  ) -> AccessMatch {
    switch self {
    case .any: return .yes
    case .number(let number): return AccessMatch(numbers.contains(number))
    case .name(let text):
      guard let accounts else { return .unknownYet }
      guard let answer = accounts[AccountDatabase.Name(kind, text)] else { return .undecidable }
      switch answer {
      case .number(let number): return AccessMatch(numbers.contains(number))
      case .none: return .no
      case .failed: return .undecidable
      }
    }
  }
}
