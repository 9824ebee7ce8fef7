import CertRegSigV4

/// The operations of AWS IoT that the daemon calls: all that this program knows of them
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_Operations.html). A test compares it with botocore's model of
/// the service.
enum IoTOperation: String, CaseIterable {
  case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
  case updateCertificate = "UpdateCertificate"
  case describeCertificate = "DescribeCertificate"
  case listPrincipalThings = "ListPrincipalThings"
  case listAttachedPolicies = "ListAttachedPolicies"

  /// The method of its request.
  var method: String {
    switch self {
    case .registerCertificateWithoutCA, .listAttachedPolicies: "POST"
    case .updateCertificate: "PUT"
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
    }
  }

  /// The members of its request that are sent in the query.
  var query: [String] {
    switch self {
    case .updateCertificate: ["newStatus"]
    case .listPrincipalThings: ["nextToken", "maxResults"]
    case .listAttachedPolicies: ["marker", "pageSize"]
    case .registerCertificateWithoutCA, .describeCertificate: []
    }
  }

  /// The members of its request that are sent in headers.
  var headers: [String] {
    self == .listPrincipalThings ? ["x-amzn-principal"] : []
  }

  /// The members of its request that are sent in the JSON body.
  var body: [String] {
    switch self {
    case .registerCertificateWithoutCA: ["certificatePem", "status"]
    case .updateCertificate, .describeCertificate, .listPrincipalThings, .listAttachedPolicies: []
    }
  }

  /// The members of its response that the daemon reads.
  var response: [String] {
    switch self {
    case .registerCertificateWithoutCA: ["certificateArn", "certificateId"]
    case .updateCertificate: []
    case .describeCertificate: ["certificateDescription"]
    case .listPrincipalThings: ["things", "nextToken"]
    case .listAttachedPolicies: ["policies", "nextMarker"]
    }
  }

  /// Whether `ResourceNotFoundException` says that the upstream does not have the certificate. Of any other operation it
  /// says that the endpoint does not know the operation.
  var namesCertificate: Bool {
    switch self {
    case .registerCertificateWithoutCA: false
    case .updateCertificate, .describeCertificate, .listPrincipalThings, .listAttachedPolicies: true
    }
  }

  /// Its path, with `value` in place of the name in braces. The value is encoded as botocore does it.
  func path(with value: String) -> String {
    guard let brace = path.firstIndex(of: "{") else { return path }
    return path[..<brace] + URIEncoding.encode(value)
  }
}
