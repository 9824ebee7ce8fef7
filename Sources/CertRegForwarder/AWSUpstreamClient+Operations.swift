import AsyncHTTPClient
package import CertRegCore
import NIOHTTP1

// The operations: their requests, and the reading of their replies.
extension AWSUpstreamClient {
  /// Bound of a reply to DescribeCertificate. The reply holds `certificatePem`, up to 65,536 characters (API reference,
  /// CertificateDescription), of which JSON may write each as `\uXXXX`.
  static let descriptionLimitBytes = 6 * 65_536 + HTTPTransport.responseLimitBytes

  package func perform(_ call: UpstreamCall) async -> UpstreamReply { await signedReply(to: call).reply }

  package func signedReply(to call: UpstreamCall) async -> (reply: UpstreamReply, signer: String?) {
    guard callsUnderWay.begin() else { return (.failed(closed), nil) }
    defer { callsUnderWay.end() }
    return switch call {
    case .registerCertificateWithoutCA(let call): await register(call)
    case .updateCertificate(let call): (await update(call), nil)
    case .provision(let call): (await provision(call), nil)
    }
  }

  /// Registers a certificate, and asks for the status of one that exists if the target is configured so.
  private func register(_ call: RegisterCertificateCall) async -> (reply: UpstreamReply, signer: String?) {
    let operation = IoTOperation.registerCertificateWithoutCA
    let request = SignableRequest(
      template: registrationTemplate, authority: endpoint.url.authority, path: endpoint.url.path + operation.path,
      body: RegistrationBody.bytes(call))
    var signer: String?
    let reply: UpstreamReply = await exchange(request, operation, call.certificateID) { classifier, reply in
      signer = classifier.text.signer
      return classifier.registration(reply)
    } failure: {
      .failed($0)
    }
    guard describesExisting || call.needsStatus, case .alreadyExists(let arn, nil, let requestID, _) = reply else {
      return (reply, signer)
    }
    // The certificate exists, whether or not its status can be had.
    let (status, failure) = await statusOfExisting(call.certificateID)
    return (.alreadyExists(certificateARN: arn, status: status, requestID: requestID, undescribed: failure), signer)
  }

  /// The first and the longest pause after a throttle that names none.
  private static let describePause = (first: Duration.milliseconds(500), longest: Duration.seconds(4))

  /// The status of a certificate. The quota of DescribeCertificate is its own, and lower than that of many accounts for
  /// registrations: calls keep to a pace, and throttled ones are made again within `requestTimeout`.
  ///
  /// - Returns: The status, or why it cannot be had.
  private func statusOfExisting(_ certificateID: CertificateID) async -> (CertificateStatus?, UpstreamFailure?) {
    let deadline = clock.monotonic + requestTimeout
    var pause = Self.describePause.first
    var throttle: UpstreamFailure?
    while let begin = describeTurns.take(now: clock.monotonic, deadline: deadline) {
      guard (try? await Task.sleep(for: max(.zero, begin - clock.monotonic))) != nil else { break }
      do throws(UpstreamFailure) {
        return (try await described(certificateID).status, nil)
      } catch {
        guard case .throttled(let retryAfter) = error.disposition else { return (nil, error) }
        throttle = error
        describeTurns.hold(until: clock.monotonic + (retryAfter ?? pause))
        pause = min(pause + pause, Self.describePause.longest)
      }
    }
    return (nil, throttle ?? .describeTurnMissed)
  }

  private func update(_ call: UpdateCertificateCall) async -> UpstreamReply {
    do throws(UpstreamFailure) {
      let request = try request(
        .updateCertificate, call.certificateID.hex, query: "newStatus=\(call.status.rawValue)")
      return await exchange(request, .updateCertificate, call.certificateID) { classifier, reply in
        classifier.update(reply)
      } failure: {
        .failed($0)
      }
    } catch {
      return .failed(error)
    }
  }

  /// A request without a body.
  ///
  /// - Parameter value: Stands in the path in place of the name in braces.
  func request(
    _ operation: IoTOperation, _ value: String = "", query: String = ""
  ) throws(UpstreamFailure) -> SignableRequest {
    let path = operation.path(with: value)
    do {
      let template = try HTTPClient.Request(
        url: endpoint.url.text(path: path, query: query), method: HTTPMethod(rawValue: operation.method))
      return SignableRequest(
        template: template, authority: endpoint.url.authority, path: endpoint.url.path + path, query: query)
    } catch {
      throw UpstreamFailure(
        TransportError(.other, "the URL cannot be used", cause: ErrorCause("\(error)")),
        authority: endpoint.url.authority, secrets: secrets)
    }
  }
}
