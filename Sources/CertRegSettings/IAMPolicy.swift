import CertRegCodec
import CertRegCore

/// The rights that a configuration needs of AWS, as a policy of IAM.
///
/// Actions and the resources they take follow the Service Authorization Reference
/// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html and …/list_servicequotas.html).
struct IAMPolicy: Equatable, Sendable {
  /// Actions that are allowed on resources.
  struct Statement: Equatable, Sendable {
    /// Letters and digits.
    var identifier: String
    /// Sorted.
    var actions: [String]
    /// `*` or ARNs, in which `*` stands for any text. Sorted.
    var resources: [String]
  }

  /// Sorted by their identifiers.
  private(set) var statements: [Statement]

  /// The actions of RegisterThing itself and of the calls that it makes in the caller's name, as far as a template
  /// needs them for a certificate that is registered already: those of AWS's managed policy AWSIoTThingsRegistration
  /// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSIoTThingsRegistration.html), without those
  /// that make or register certificates.
  private static let templateActions = [
    "AddThingToBillingGroup", "AddThingToThingGroup", "AttachPolicy", "AttachPrincipalPolicy", "AttachThingPrincipal",
    "CreatePolicy", "CreateThing", "DescribeBillingGroup", "DescribeCertificate", "DescribeThing", "DescribeThingGroup",
    "DescribeThingType", "DetachPolicy", "DetachThingPrincipal", "GetPolicy", "ListAttachedPolicies",
    "ListPolicyPrincipals", "ListPrincipalPolicies", "ListPrincipalThings", "ListTargetsForPolicy",
    "ListThingGroupsForThing", "ListThingPrincipals", "RegisterThing", "RemoveThingFromBillingGroup",
    "RemoveThingFromThingGroup", "UpdateCertificate", "UpdateThing", "UpdateThingGroupsForThing",
  ].map { "iot:\($0)" }

  /// The least policy for a configuration: for all that its rules of access let some peer ask for.
  init(_ settings: Settings) {
    var needs = Needs()
    for target in settings.targets {
      needs.add(target, profiles: settings.profiles(of: target), settings)
    }
    statements = needs.resources.map { action, resources in
      Statement(
        identifier: String(action.drop { $0 != ":" }.dropFirst()), actions: [action],
        resources: resources.contains("*") ? ["*"] : resources.sorted())
    }
    if needs.hasTemplate {
      statements.append(
        Statement(identifier: "ProvisionByTemplate", actions: Self.templateActions, resources: ["*"]))
    }
    statements.sort { $0.identifier < $1.identifier }
  }

  /// Actions with the resources that they are needed for.
  private struct Needs {
    var resources: [String: Set<String>] = [:]
    var hasTemplate = false

    mutating func add(_ action: String, _ resources: String...) {
      self.resources[action, default: []].formUnion(resources)
    }

    mutating func add(_ target: TargetConfiguration, profiles: [ProvisioningProfile], _ settings: Settings) {
      let certificates = target.arn("cert/*")
      let registers = settings.allows(.register, in: target)
      if registers { add("iot:RegisterCertificateWithoutCA", "*") }
      if settings.allows(.update, in: target) { add("iot:UpdateCertificate", certificates) }
      let describes = settings.allows(.describe, in: target)
      if describes || registers && target.describeExisting { add("iot:DescribeCertificate", certificates) }
      if describes {
        add("iot:ListPrincipalThings", certificates)
        add("iot:ListAttachedPolicies", "*")
      }
      if target.asksForRate { add("servicequotas:GetServiceQuota", "*") }
      for profile in profiles {
        switch profile.form {
        case .template: hasTemplate = true
        case .parts(let thing, let policies, let activatesLast):
          if let thing { add(thing, of: target) }
          // What a policy may be attached to is a resource of the action; the policy is not.
          if !policies.isEmpty { add("iot:AttachPolicy", certificates) }
          // Of a certificate that exists already the status decides whether it may be activated.
          if activatesLast {
            add("iot:UpdateCertificate", certificates)
            add("iot:DescribeCertificate", certificates)
          }
        }
      }
    }

    private mutating func add(_ thing: ProvisioningProfile.Thing, of target: TargetConfiguration) {
      let name = target.arn("thing/\(thing.name.pattern)")
      add("iot:CreateThing", name)
      add("iot:AttachThingPrincipal", target.arn("cert/*"))
      for group in thing.groups {
        add("iot:AddThingToThingGroup", name, target.arn("thinggroup/\(group.pattern)"))
      }
    }
  }

  /// The policy's document (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), with the
  /// same text for equal policies. Ends with an LF.
  var json: String {
    let texts = statements.map { statement in
      """
          {
            "Sid": \(Self.quoted(statement.identifier)),
            "Effect": "Allow",
            "Action": \(Self.list(statement.actions)),
            "Resource": \(Self.list(statement.resources))
          }
      """
    }
    let list = texts.isEmpty ? "[]" : "[\n\(texts.joined(separator: ",\n"))\n  ]"
    return """
      {
        "Version": "2012-10-17",
        "Statement": \(list)
      }

      """
  }

  private static func list(_ texts: [String]) -> String {
    if texts.count == 1 { return "[\(quoted(texts[0]))]" }
    return "[\n" + texts.map { "        \(quoted($0))" }.joined(separator: ",\n") + "\n      ]"
  }

  private static func quoted(_ text: String) -> String {
    String(decoding: JSONValue.string(text).jsonBytes, as: UTF8.self)
  }
}

extension Settings {
  /// The least IAM policy for this configuration, a JSON document: what AWS has to allow the daemon so that it can do
  /// all that peers may ask of it. It does not depend on ``sandbox``.
  package var iamPolicy: String { IAMPolicy(self).json }

  /// Whether some peer may use an operation in a target.
  fileprivate func allows(_ operation: RequestOperation, in target: TargetConfiguration) -> Bool {
    access?.rules.contains { $0.allows(operation, in: target) } ?? true
  }

  /// The profiles that some peer may use in a target: requests may name others than the target's own.
  fileprivate func profiles(of target: TargetConfiguration) -> [ProvisioningProfile] {
    guard let access else { return provisioning }
    let rules = access.rules.filter { $0.allows(.register, in: target) }
    return provisioning.filter { profile in rules.contains { $0.profiles?.contains(profile.name) ?? true } }
  }
}

extension AccessRule {
  fileprivate func allows(_ operation: RequestOperation, in target: TargetConfiguration) -> Bool {
    (operations?.contains(operation) ?? true) && (targets?.contains(target.name.rawValue) ?? true)
  }
}

extension TargetConfiguration {
  /// The ARN of resources of AWS IoT in the target's region, in any account. A region that is not configured may be any
  /// of the partition `aws`.
  fileprivate func arn(_ resource: String) -> String {
    let region = region ?? "*"
    return "arn:\(AWSPartition.containing(region).name):iot:\(region):*:\(resource)"
  }
}

extension PlaceholderText {
  /// The text with `*` in place of placeholders, as policies of IAM write patterns.
  fileprivate var pattern: String {
    pieces.reduce(into: "") { pattern, piece in
      switch piece {
      case .literal(let text): pattern += text
      case .placeholder: if !pattern.hasSuffix("*") { pattern += "*" }
      }
    }
  }
}
