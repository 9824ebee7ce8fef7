import CertRegCodec
package import CertRegCore

/// What `verify` expects of certificates, as the command line says. What it leaves open is expected as it was asked
/// for: the report's thing, and what certregd was asked for and knows (`lookup`).
package struct VerifyExpectation: Hashable, Sendable {
  /// The status in AWS IoT; `nil`: the one that certregd was asked for or knows.
  package var status: CertificateStatus?
  /// The thing that has to be attached; `nil`: the report's, else the one that certregd made.
  package var thing: String?
  /// The policies that have to be attached; empty: those that certregd attached.
  package var policies: [String] = []

  package init() {}

  /// What is expected of one certificate.
  ///
  /// - Parameters:
  ///   - record: The certificate's row in a report, or one without values where it is in no report.
  ///   - known: The answer to `lookup`; only what it says of a finished registration counts. What was asked for goes
  ///     before what is known: the upstream may have been found to have something else, by an earlier run, too.
  func resolved(_ record: ImportRecord, known: JSON) -> Resolved {
    let isFinished = known["state"]?.string == "registered"
    let made = isFinished ? known["provisioning"] : nil
    let asked = isFinished ? known["asked"] : nil
    let names = (asked?["policies"] ?? made?["policies"])?.array?.compactMap(\.string) ?? []
    let knownThing = (asked?["thingName"] ?? made?["thingName"])?.string
    return Resolved(
      arn: record.certificateARN.isEmpty && isFinished ? known["certificateArn"]?.string : record.certificateARN,
      status: status?.rawValue ?? asked?["status"]?.string ?? (isFinished ? known["status"]?.string : nil),
      thing: thing ?? (record.thingName.isEmpty ? knownThing : record.thingName),
      policies: policies.isEmpty ? names : policies, incomplete: Incomplete(known))
  }

  /// Why certregd has not done all that it was asked for.
  struct Incomplete: Hashable, Sendable {
    /// For people.
    var why: String
    /// Whether certregd is at it still.
    var isUnderWay = false

    /// `nil` where certregd has done all, or knows nothing.
    ///
    /// - Parameter known: The answer to `lookup`.
    init?(_ known: JSON) {
      let error = known["lastError"]
      // What was complete and is not any more is compared by its parts.
      let isTakenApart = known["asked"]?["thingName"] != nil || known["asked"]?["policies"] != nil
      switch known["state"]?.string {
      case "queued":
        isUnderWay = true
        why = "it is queued" + (error?["reason"]?.string.map { ", and its last try has failed (\($0))" } ?? "")
      case "failed": why = Incomplete.why(error ?? .object([]))
      // A registration stays although a step after it has failed.
      case "registered" where error != nil || known["provisioning"]?["complete"]?.bool == false && !isTakenApart:
        why = Incomplete.why(error)
      default: return nil
      }
    }

    private static func why(_ error: JSON?) -> String {
      guard let error else { return "steps of its profile are left" }
      let what = error["step"]?.string.map { "\($0) has failed" } ?? "it has failed"
      return what + (error["reason"]?.string.map { " (\($0))" } ?? "")
    }
  }

  /// What is expected of one certificate. Nothing is checked where it has no value.
  struct Resolved: Hashable, Sendable {
    var arn: String?
    var status: String?
    var thing: String?
    var policies: [String] = []
    /// `nil`: certregd has made all of the device, as far as it was asked to.
    var incomplete: Incomplete?
  }
}

/// What the upstream says otherwise than expected.
package struct VerifyDifference: Hashable, Sendable {
  /// What differs. The raw value is the `reason` of reports.
  package enum Reason: String, CaseIterable, Hashable, Sendable {
    /// The upstream does not have the certificate.
    case notRegistered = "not_registered"
    /// It has the certificate in another account or region.
    case arnDiffers = "arn_differs"
    case statusDiffers = "status_differs"
    case thingNotAttached = "thing_not_attached"
    case policyNotAttached = "policy_not_attached"
    /// certregd has not performed all steps that it was asked for.
    case notComplete = "not_complete"
  }

  /// What differs.
  package var reason: Reason
  /// What was expected and what was found, for people. Untrusted.
  package var message: String

  /// The difference of a certificate that the upstream does not have.
  ///
  /// - Parameter known: The answer to `lookup`, which may say why.
  static func notRegistered(known: JSON) -> VerifyDifference {
    let addition =
      switch known["state"]?.string {
      case "queued": "; certregd is going to register it"
      case "failed": "; its registration has failed"
      case "registered": "; certregd had registered it"
      default: ""
      }
    return VerifyDifference(.notRegistered, "AWS IoT does not have it" + addition)
  }

  fileprivate init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

/// What the comparison of one certificate came to.
struct VerifyVerdict: Hashable, Sendable {
  /// A kind of attachment that the daemon's identity may not list.
  enum Unlisted: String, CaseIterable, Hashable, Sendable {
    case things
    case policies

    /// The right that the identity lacks.
    var action: String { self == .things ? "iot:ListPrincipalThings" : "iot:ListAttachedPolicies" }
  }

  /// A `describe` names at most so many things and policies, so that a longer list says nothing about what it lacks.
  private static let maximumListed = 1000

  /// In the order of the checks.
  private(set) var differences: [VerifyDifference] = []
  /// What was expected and could not be checked.
  private(set) var unlisted: [Unlisted] = []

  /// Compares what the upstream says (the answer to `describe`) with what is expected.
  init(_ upstream: JSON, _ expected: VerifyExpectation.Resolved) {
    if let arn = expected.arn, !arn.isEmpty, let found = upstream["certificateArn"]?.string, found != arn {
      add(.arnDiffers, "\(arn) expected, \(found) found")
    }
    if let status = expected.status, let found = upstream["status"]?.string, found != status {
      let consequence = found == CertificateStatus.inactive.rawValue ? "; no device can connect with it" : ""
      add(.statusDiffers, "\(status) expected, \(found) found\(consequence)")
    }
    if let thing = expected.thing, let things = listed(.things, upstream, expecting: [thing]), !things.contains(thing) {
      let others = things.isEmpty ? "no thing is attached" : "attached: \(things.prefix(3).joined(separator: ", "))"
      add(.thingNotAttached, "the thing \(thing) is not attached; \(others)")
    }
    if !expected.policies.isEmpty, let policies = listed(.policies, upstream, expecting: expected.policies) {
      for policy in expected.policies where !policies.contains(policy) {
        add(.policyNotAttached, "the policy \(policy) is not attached")
      }
    }
    if let incomplete = expected.incomplete {
      add(.notComplete, "certregd has not done all that it was asked for: \(incomplete.why)")
    }
  }

  private mutating func add(_ reason: VerifyDifference.Reason, _ message: String) {
    differences.append(VerifyDifference(reason, message))
  }

  /// What is attached; `nil` where the upstream does not tell, or not of all of it.
  private mutating func listed(_ kind: Unlisted, _ upstream: JSON, expecting names: [String]) -> [String]? {
    let values = upstream[kind.rawValue]?.array?.compactMap(\.string)
    if let values, values.count < VerifyVerdict.maximumListed || names.allSatisfy(values.contains) { return values }
    unlisted.append(kind)
    return nil
  }
}
