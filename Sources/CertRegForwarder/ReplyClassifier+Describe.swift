import CertRegCodec
import CertRegCore

/// A part of a list of names.
struct NamePage: Hashable, Sendable {
  var names: [String]
  /// Asks for the next part; `nil`: there is none.
  var token: String?
}

// The replies to the operations that only read.
extension ReplyClassifier {
  /// The greatest length of a name (API reference, ThingName and PolicyName), in characters.
  private static let maxNameCharacters = 128
  /// The greatest length of a token that is sent back, in bytes.
  private static let maxTokenBytes = 4096

  /// Reads a reply to DescribeCertificate. Of the parts that `describe` passes on only the ARN and the status have to
  /// be there.
  func certificate(_ reply: HTTPReply) -> Result<UpstreamCertificate, RefusedCall> {
    content(of: reply, lacking: "ARN of the certificate and known status") { body in
      guard let description = body["certificateDescription"],
        let status = description["status"]?.string.flatMap(CertificateStatus.init),
        let arn = description["certificateArn"]?.string, isOurs(arn)
      else { return nil }
      let validity = description["validity"]
      let (notBefore, notAfter) = (time(validity?["notBefore"]), time(validity?["notAfter"]))
      var certificate = UpstreamCertificate(
        certificateARN: arn, status: status,
        mode: UpstreamText.identifier(description["certificateMode"]?.string),
        createdAt: time(description["creationDate"]),
        validity: notBefore.flatMap { notBefore in
          notAfter.map { UpstreamCertificate.Validity(notBefore: notBefore, notAfter: $0) }
        })
      certificate.signer = text.signer
      return certificate
    }
  }

  /// Reads a reply to ListPrincipalThings.
  func things(_ reply: HTTPReply) -> Result<NamePage, RefusedCall> {
    content(of: reply, lacking: "list of things") { page($0["things"], token: $0["nextToken"]) { $0.string } }
  }

  /// Reads a reply to ListAttachedPolicies.
  func policies(_ reply: HTTPReply) -> Result<NamePage, RefusedCall> {
    content(of: reply, lacking: "list of policies") {
      page($0["policies"], token: $0["nextMarker"]) { $0["policyName"]?.string }
    }
  }

  /// `nil` if an element has no name, or a name is not one of AWS IoT.
  private func page(_ list: JSONValue?, token: JSONValue?, name: (JSONValue) -> String?) -> NamePage? {
    guard let elements = list?.array else { return nil }
    let names = elements.compactMap(name).filter { name in
      (1...Self.maxNameCharacters).contains(name.utf8.count) && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
    guard names.count == elements.count else { return nil }
    let token = token?.string.flatMap { $0.isEmpty ? nil : $0 }
    guard (token?.utf8.count ?? 0) <= Self.maxTokenBytes else { return nil }
    return NamePage(names: names, token: token)
  }

  /// A time in seconds since 1970, as botocore reads the API's timestamps. Nobody's clock goes beyond the year 9999.
  private func time(_ value: JSONValue?) -> WallTime? {
    guard let seconds = value?.double, abs(seconds) < 253_402_300_800 else { return nil }
    return WallTime(millisecondsSinceEpoch: Int64((seconds * 1000).rounded()))
  }

  /// What `read` makes of the body of a success.
  func content<Value>(
    of reply: HTTPReply, lacking part: String, _ read: (JSONValue) -> Value?
  ) -> Result<Value, RefusedCall> {
    let error = AWSErrorReply(reply)
    guard (200..<300).contains(reply.status) else {
      let (failed, remedy) = failure(reply, error)
      return .failure(RefusedCall(failure: failed, remedy: remedy))
    }
    guard let value = error.body.flatMap(read) else {
      let failed = garbled("The answer of \(service) has no \(part)", error, .unavailable(retryAfter: nil))
      return .failure(RefusedCall(failure: failed, remedy: nil))
    }
    return .success(value)
  }
}
