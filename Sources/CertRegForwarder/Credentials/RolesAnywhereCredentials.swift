import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import NIOHTTP1

/// Credentials of IAM Roles Anywhere: a role for a certificate of an authority that the account trusts.
///
/// The certificate's private key signs the request (CreateSession), in place of a shared secret.
struct RolesAnywhereCredentials: CredentialsProvider {
  struct Settings: Sendable {
    var trustAnchorARN: String
    var profileARN: String
    var roleARN: String
    var certificateFile: String
    var privateKeyFile: String
    /// Certificates between the holder's and the trust anchor.
    var chainFile: String?
  }

  private static let source = "IAM Roles Anywhere"
  private static let path = "/sessions"

  let settings: Settings
  let environment: ProcessEnvironment
  let files: HostFiles
  let clock: HostClock
  let endpoints: CredentialEndpoints
  let resolver: EndpointResolver

  var summary: String { "\(Self.source) with \(settings.certificateFile)" }
  var filePaths: [String] {
    [settings.certificateFile, settings.privateKeyFile] + (settings.chainFile.map { [$0] } ?? [])
  }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let (url, region) = try endpoint()
    let identity = try identity()
    let request = try request(url: url, identity: identity)
    let offset = ClockOffset()
    var isFirst = true
    while true {
      let headers = try sign(request, identity, region: region, at: offset.corrected(clock.wall))
      let reply = try await endpoints.send(
        .POST, url, path: Self.path, query: request.query, headers: headers, body: request.body,
        timeout: CredentialEndpoints.remoteTimeout, service: Self.source)
      if (200..<300).contains(reply.status) { return try read(reply) }
      let error = AWSErrorReply(reply)
      if isFirst, AWSErrorCategory(error: error, status: reply.status) == .clockSkew,
        let time = ClockSkew.upstreamTime(message: error.message, dateHeader: reply.headers.first(name: "Date"))
      {
        offset.learn(upstream: time, now: clock.wall)
        isFirst = false
        continue
      }
      throw CredentialsError(
        refusal: reply, source: Self.source,
        advice: "check the trust anchor, the profile, the role's trust policy and that the certificate is valid",
        secrets: environment.secrets.adding(headers.last?.value), speaksJSON: true)
    }
  }

  /// The service in the region of the trust anchor, which is the fourth field of its ARN.
  private func endpoint() throws(CredentialsError) -> (url: ServiceURL, region: String) {
    let fields = settings.trustAnchorARN.split(separator: ":", omittingEmptySubsequences: false)
    guard fields.count >= 6, fields[0] == "arn", fields[2] == "rolesanywhere", !fields[3].isEmpty else {
      throw CredentialsError(.invalid, "`trustAnchorArn` is not the ARN of a trust anchor")
    }
    let region = String(fields[3])
    return (try resolver.rolesAnywhere(region: region), region)
  }

  /// The certificate and key, read again because both may have been renewed.
  private func identity() throws(CredentialsError) -> ClientIdentity {
    do {
      return try ClientIdentity(
        certificatePEM: try files.read(settings.certificateFile), privateKeyPEM: try files.read(settings.privateKeyFile)
      )
    } catch let error as FileReadError {
      throw CredentialsError(.invalid, "\(error)")
    } catch {
      throw CredentialsError(.invalid, "\(settings.certificateFile) with \(settings.privateKeyFile): \(error)")
    }
  }

  private func request(url: ServiceURL, identity: ClientIdentity) throws(CredentialsError) -> RolesAnywhereRequest {
    var chain = Array(identity.chain.dropFirst())
    if let file = settings.chainFile {
      do {
        chain += try ClientIdentity.certificates(pem: try files.read(file))
      } catch let error as FileReadError {
        throw CredentialsError(.invalid, "\(error)")
      } catch {
        throw CredentialsError(.invalid, "\(file): \(error)")
      }
    }
    let arns = [
      ("profileArn", settings.profileARN), ("roleArn", settings.roleARN), ("trustAnchorArn", settings.trustAnchorARN),
    ]
    return RolesAnywhereRequest(
      authority: url.authority, path: url.path + Self.path,
      query: arns.map { "\($0.0)=\(URIEncoding.encode($0.1))" }.joined(separator: "&"),
      leaf: identity.chain.first ?? [], chain: chain)
  }

  private func sign(
    _ request: RolesAnywhereRequest, _ identity: ClientIdentity, region: String, at time: WallTime
  ) throws(CredentialsError) -> [(name: String, value: String)] {
    do throws(ClientIdentityError) {
      return try request.signedHeaders(identity: identity, region: region, at: time)
    } catch {
      throw CredentialsError(.invalid, "\(settings.privateKeyFile): \(error)")
    }
  }

  private func read(_ reply: HTTPReply) throws(CredentialsError) -> ProvidedCredentials {
    let object = try? JSONValue(parsing: reply.body)
    return try CredentialFields.service.read(
      object?["credentialSet"]?.array?.first?["credentials"], source: "\(Self.source), role \(settings.roleARN)")
  }
}

/// A CreateSession request.
struct RolesAnywhereRequest: Sendable {
  let authority: String
  /// The path on the wire, which begins with that of the endpoint's URL.
  let path: String
  let query: String
  let body = Array("{\"durationSeconds\":3600}".utf8)
  /// DER encodings.
  let leaf: [UInt8]
  let chain: [[UInt8]]

  /// The request's headers with the signature. The certificate's key signs the string to sign of Signature Version 4;
  /// the serial number of the certificate takes the place of the access key ID (IAM Roles Anywhere User Guide, "Signing
  /// process").
  func signedHeaders(
    identity: ClientIdentity, region: String, at time: WallTime
  ) throws(ClientIdentityError) -> [(name: String, value: String)] {
    let amzDate = time.amzDate
    let scope = SigningScope(region: region, service: "rolesanywhere")
    let algorithm = identity.keyKind == .rsa ? "AWS4-X509-RSA-SHA256" : "AWS4-X509-ECDSA-SHA256"
    var headers: [(name: String, value: String)] = [
      ("Host", authority), ("Content-Type", "application/json"), ("X-Amz-Date", amzDate),
      ("X-Amz-X509", Base64.encode(leaf)),
    ]
    if !chain.isEmpty { headers.append(("X-Amz-X509-Chain", chain.map(Base64.encode).joined(separator: ","))) }
    let canonical = CanonicalRequest(
      method: "POST", path: path, query: query, headers: headers, payloadHash: SHA256.digest(of: body).hex)
    let stringToSign = canonical.stringToSign(algorithm: algorithm, amzDate: amzDate, scope: scope)
    let signature = try identity.signature(of: Array(stringToSign.utf8)).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    let credential = "\(identity.serialNumber)/\(scope.credentialScope(day: amzDate.prefix(8)))"
    headers.append(
      (
        "Authorization",
        "\(algorithm) Credential=\(credential), SignedHeaders=\(canonical.signedHeaders), "
          + "Signature=\(signature.joined())"
      ))
    return headers
  }
}
