import CertRegCodec
import CertRegCore
import CertRegCrypto

/// A template with everything checked that can be checked without the register. What has to be there is looked up
/// before anything is made. Later checks, those of limits, follow one by one: what was made before one of them fails
/// stays.
struct ThingRegistration {
  /// The certificate of the template.
  enum Certificate {
    case registered(CertificateID)
    case new(JudgedCertificate)
  }

  /// The thing of the template.
  struct ThingPart {
    var resource: ProvisioningTemplate.Resource
    var name: String
    var configuration: ThingConfiguration
    /// `nil` for properties that the template leaves out.
    var attributes: [String: String]?
    var groups: [String]?
  }

  /// A policy of the template.
  struct PolicyPart {
    var logicalName: String
    var name: String
    /// `nil` for a policy that has to be there.
    var document: String?
  }

  private(set) var thing: ThingPart?
  private(set) var certificate: Certificate?
  private(set) var certificateResource: ProvisioningTemplate.Resource?
  private(set) var status = CertificateStatus.active
  private(set) var principalType = ThingPrincipalType.nonExclusiveThing
  private(set) var policies: [PolicyPart] = []

  /// - Throws: InvalidRequestException; CertificateValidationException for a certificate that cannot be registered.
  init(
    _ template: ProvisioningTemplate, judge: any CertificateJudge, at now: WallTime
  ) throws(SandboxError) {
    if let resource = template.thing {
      guard let name = try resource.text("ThingName", .name) else {
        throw .template("\(resource.logicalName) has no ThingName")
      }
      try SandboxOperation.checkBillingGroup(try resource.text("BillingGroup", .name))
      let attributes = try resource.attributes()
      thing = ThingPart(
        resource: resource, name: name,
        configuration: ThingConfiguration(
          typeName: try resource.text("ThingTypeName", .name), attributes: attributes ?? [:]),
        attributes: attributes, groups: try resource.texts("ThingGroups", .name))
    }
    if let resource = template.certificate {
      certificateResource = resource
      certificate = try ThingRegistration.certificate(resource, judge: judge, at: now)
      if let text = try resource.text("Status") {
        guard let status = CertificateStatus.ofTemplate(text) else {
          throw .template("Status of \(resource.logicalName) is neither ACTIVE nor INACTIVE")
        }
        self.status = status
      }
      if let text = try resource.text("ThingPrincipalType") {
        guard let type = ThingPrincipalType(rawValue: text) else {
          throw .notInSet(ThingPrincipalType.allCases.map(\.rawValue), at: "ThingPrincipalType", value: text)
        }
        principalType = type
      }
    }
    for resource in template.policies { policies.append(try ThingRegistration.policy(resource)) }
  }

  private static func certificate(
    _ resource: ProvisioningTemplate.Resource, judge: any CertificateJudge, at now: WallTime
  ) throws(SandboxError) -> Certificate {
    let id = try resource.text("CertificateId")
    let pem = try resource.text("CertificatePem", .certificatePEM)
    if try resource.text("CertificateSigningRequest") != nil {
      throw SandboxError(
        .resourceRegistrationFailure, "The sandbox issues no certificates: CertificateId or CertificatePem is needed")
    }
    switch (id, pem) {
    case (let id?, nil):
      guard let id = CertificateID(hex: id.utf8) else {
        throw .template("CertificateId of \(resource.logicalName) is not 64 hexadecimal digits")
      }
      return .registered(id)
    case (nil, let pem?): return .new(try judge.judge(pem: pem, at: now))
    default: throw .template("\(resource.logicalName) needs either CertificateId or CertificatePem")
    }
  }

  private static func policy(_ resource: ProvisioningTemplate.Resource) throws(SandboxError) -> PolicyPart {
    let name = try resource.text("PolicyName", .policyName)
    // The document may be a JSON object or its text.
    let document = resource.properties["PolicyDocument"].map { $0.string ?? $0.jsonText }
    switch (name, document) {
    case (let name?, nil): return PolicyPart(logicalName: resource.logicalName, name: name)
    case (nil, let document?):
      let document = try TextConstraint.policyDocument.check(document, at: "PolicyDocument")
      return PolicyPart(
        logicalName: resource.logicalName, name: SHA256.digest(of: document).hex, document: document)
    default: throw .template("\(resource.logicalName) needs either PolicyName or PolicyDocument")
    }
  }
}
