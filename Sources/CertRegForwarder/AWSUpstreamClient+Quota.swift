import AsyncHTTPClient
import CertRegCodec
package import CertRegCore
import NIOHTTP1

// The account's own rate.
extension AWSUpstreamClient {
  /// Asks Service Quotas how many calls of RegisterCertificateWithoutCA a second the account may make in the target's
  /// region (https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html). An endpoint
  /// that is not one of AWS is asked itself. The request is sent, and sent again, as those of ``perform(_:)``.
  ///
  /// - Returns: Calls a second, 0.001 to 100,000.
  /// - Throws: The `UpstreamFailure` that a registration would fail with.
  package func accountRate() async throws(UpstreamFailure) -> Double {
    guard callsUnderWay.begin() else { throw closed }
    defer { callsUnderWay.end() }
    let url: ServiceURL
    do throws(CredentialsError) { url = try endpoint.serviceQuotas.get() } catch { throw UpstreamFailure(error) }
    let request = try quotaRequest(to: url)
    // Most calls of AWS IoT are more urgent than this one, and another host may need another proxy.
    let transport: HTTPTransport
    do { transport = try newTransport(to: url) } catch {
      throw UpstreamFailure(TransportError(.other, "\(error)"), authority: url.authority, secrets: secrets)
    }
    let result: Result<Double, UpstreamFailure> = await exchange(
      request, nil, CertificateID(), over: transport
    ) { classifier, reply in
      switch classifier.rate(reply) {
      case .success(let rate): (.success(rate), nil)
      case .failure(let refused): (.failure(refused.failure), refused.remedy)
      }
    } failure: {
      .failure($0)
    }
    await transport.shutdown()
    return try result.get()
  }

  /// A request of the protocol JSON 1.1 (Smithy, "AWS JSON 1.1 protocol").
  private func quotaRequest(to url: ServiceURL) throws(UpstreamFailure) -> SignableRequest {
    let body = JSONValue.object(of: [
      "ServiceCode": .string(RegistrationQuota.service), "QuotaCode": .string(RegistrationQuota.code),
    ])
    do {
      var request = SignableRequest(
        template: try HTTPClient.Request(url: url.text(path: "/"), method: .POST), authority: url.authority,
        path: url.path + "/", query: url.query, body: body.jsonBytes)
      request.service = "servicequotas"
      request.contentType = "application/x-amz-json-1.1"
      request.headers = [("X-Amz-Target", "ServiceQuotasV20190624.GetServiceQuota")]
      return request
    } catch {
      throw UpstreamFailure(
        TransportError(.other, "the URL cannot be used", cause: ErrorCause("\(error)")), authority: url.authority,
        secrets: secrets)
    }
  }
}

/// The quota of RegisterCertificateWithoutCA (AWS General Reference, "AWS IoT Core endpoints and quotas").
private enum RegistrationQuota {
  static let service = "iotcore"
  static let code = "L-4671C7C8"
}

extension ReplyClassifier {
  /// Rates that can be paced.
  private static let rates = 0.001...100_000

  /// Reads a reply to GetServiceQuota.
  func rate(_ reply: HTTPReply) -> Result<Double, RefusedCall> {
    content(of: reply, lacking: "usable quota") { body in
      guard let quota = body["Quota"], quota["QuotaCode"]?.string == RegistrationQuota.code,
        let value = quota["Value"]?.double, Self.rates.contains(value), Self.isPerSecond(quota["Period"])
      else { return nil }
      return value
    }
  }

  /// Whether a quota is one a second: most rates have no `Period`.
  private static func isPerSecond(_ period: JSONValue?) -> Bool {
    guard let period, !period.isNull else { return true }
    return period["PeriodUnit"]?.string == "SECOND" && period["PeriodValue"]?.integer == 1
  }
}
