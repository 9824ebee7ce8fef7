import CertRegSigV4

/// The operations of AWS IoT that the daemon calls
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_Operations.html). A test compares them, their requests and
/// their replies with botocore's model of the service.
enum IoTOperation: String, CaseIterable {
  case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
  case updateCertificate = "UpdateCertificate"
  case describeCertificate = "DescribeCertificate"
  case listPrincipalThings = "ListPrincipalThings"
  case listAttachedPolicies = "ListAttachedPolicies"
  case createThing = "CreateThing"
  case addThingToThingGroup = "AddThingToThingGroup"
  case attachPolicy = "AttachPolicy"
  case attachThingPrincipal = "AttachThingPrincipal"
  case registerThing = "RegisterThing"

  /// The method of its request.
  var method: String {
    switch self {
    case .registerCertificateWithoutCA, .listAttachedPolicies, .createThing, .registerThing: "POST"
    case .updateCertificate, .addThingToThingGroup, .attachPolicy, .attachThingPrincipal: "PUT"
    case .describeCertificate, .listPrincipalThings: "GET"
    }
  }

  /// Its path. A name in braces stands for a value of the request.
  var path: String {
    switch self {
    case .registerCertificateWithoutCA: "/certificate/register-no-ca"
    case .updateCertificate, .describeCertificate: "/certificates/{certificateId}"
    case .listPrincipalThings: "/principals/things"
    case .listAttachedPolicies: "/attached-policies/{target}"
    case .createThing: "/things/{thingName}"
    case .addThingToThingGroup: "/thing-groups/addThingToThingGroup"
    case .attachPolicy: "/target-policies/{policyName}"
    case .attachThingPrincipal: "/things/{thingName}/principals"
    case .registerThing: "/things"
    }
  }

  /// The members of its request that are sent in headers.
  var headers: [String] {
    switch self {
    case .listPrincipalThings, .attachThingPrincipal: ["x-amzn-principal"]
    case .registerCertificateWithoutCA, .updateCertificate, .describeCertificate, .listAttachedPolicies, .createThing,
      .addThingToThingGroup, .attachPolicy, .registerThing:
      []
    }
  }

  /// What `ResourceNotFoundException` says that the upstream does not have; `nil`: the exception says that the endpoint
  /// does not know the operation. RegisterThing can lack any resource of its template.
  var missingResource: FailureReason? {
    switch self {
    case .registerCertificateWithoutCA: nil
    case .updateCertificate, .describeCertificate, .listPrincipalThings, .listAttachedPolicies: .certificateNotFound
    case .createThing: .thingTypeNotFound
    case .addThingToThingGroup: .thingGroupNotFound
    case .attachPolicy: .policyNotFound
    case .attachThingPrincipal: .thingOrCertificateNotFound
    case .registerThing: .templateResourceNotFound
    }
  }

  /// Whether it makes a part of a device. `LimitExceededException` (410) then says that a resource cannot have more of
  /// another, such as a certificate more policies. Of other operations it is a throttle.
  var makesDevice: Bool {
    switch self {
    case .createThing, .addThingToThingGroup, .attachPolicy, .attachThingPrincipal, .registerThing: true
    case .registerCertificateWithoutCA, .updateCertificate, .describeCertificate, .listPrincipalThings,
      .listAttachedPolicies:
      false
    }
  }

  /// Its path, with `value` in place of the name in braces. The value is encoded as botocore does it.
  func path(with value: String) -> String {
    guard let open = path.firstIndex(of: "{"), let close = path.firstIndex(of: "}") else { return path }
    return path[..<open] + URIEncoding.encode(value) + path[path.index(after: close)...]
  }
}
