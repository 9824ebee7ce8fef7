package import CertRegCore
import CertRegSigV4

// What AWS IoT says of a certificate.
extension AWSUpstreamClient {
  /// The most names that are asked for at once. A policy's name and ARN take up to 500 bytes, which lets 100 of them
  /// fit into `HTTPTransport.responseLimitBytes`.
  private static let pageSize = 100
  /// The most pages of one list, whose further names are left out: a list has no end that could be relied on.
  private static let maxPages = 10

  package func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate {
    guard callsUnderWay.begin() else { throw closed }
    defer { callsUnderWay.end() }
    var certificate = try await described(certificateID)
    let arn = certificate.certificateARN
    certificate.things = try await names(certificateID, from: .listPrincipalThings) { token throws(UpstreamFailure) in
      var request = try self.request(
        .listPrincipalThings, query: Self.page("maxResults", token, as: "nextToken"))
      request.headers = IoTOperation.listPrincipalThings.headers.map { ($0, arn) }
      return request
    } page: {
      $0.things($1)
    }
    certificate.policies = try await names(certificateID, from: .listAttachedPolicies) {
      token throws(UpstreamFailure) in
      try self.request(.listAttachedPolicies, arn, query: Self.page("pageSize", token, as: "marker"))
    } page: {
      $0.policies($1)
    }
    return certificate
  }

  /// The parameters of a page. SigV4 signs them in the order of their names, whatever their order is here.
  private static func page(_ size: String, _ token: String?, as name: String) -> String {
    "\(size)=\(pageSize)" + (token.map { "&\(name)=\(URIEncoding.encode($0))" } ?? "")
  }

  /// All names of a list.
  ///
  /// - Returns: `nil` if the daemon's identity may not list them.
  /// - Throws: The failure of a page.
  private func names(
    _ certificateID: CertificateID, from operation: IoTOperation,
    request: (_ token: String?) throws(UpstreamFailure) -> SignableRequest,
    page: @escaping @Sendable (ReplyClassifier, HTTPReply) -> Result<NamePage, RefusedCall>
  ) async throws(UpstreamFailure) -> [String]? {
    var names: [String] = []
    var token: String?
    for _ in 0..<Self.maxPages {
      let next: NamePage
      do throws(UpstreamFailure) {
        next = try await read(try request(token), operation, certificateID, page)
      } catch {
        guard error.error.reason == Reason(FailureReason.accessDenied) else { throw error }
        return nil
      }
      names += next.names
      token = next.token
      if token == nil { break }
    }
    return names
  }

  /// Makes a call of DescribeCertificate.
  ///
  /// - Throws: The `UpstreamFailure` that a registration would fail with; a final one if AWS IoT has no such
  ///   certificate.
  func described(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate {
    var request = try request(.describeCertificate, certificateID.hex)
    request.limitBytes = Self.descriptionLimitBytes
    return try await read(request, .describeCertificate, certificateID) { $0.certificate($1) }
  }

  /// Makes a call that only reads.
  private func read<Value: Sendable>(
    _ request: SignableRequest, _ operation: IoTOperation, _ certificateID: CertificateID,
    _ read: (ReplyClassifier, HTTPReply) -> Result<Value, RefusedCall>
  ) async throws(UpstreamFailure) -> Value {
    let result: Result<Value, UpstreamFailure> = await exchange(request, operation, certificateID) {
      classifier, reply in
      switch read(classifier, reply) {
      case .success(let value): (.success(value), nil)
      case .failure(let refused): (.failure(refused.failure), refused.remedy)
      }
    } failure: {
      .failure($0)
    }
    return try result.get()
  }
}
