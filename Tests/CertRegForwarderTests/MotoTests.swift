import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Foundation
import Testing

@testable import CertRegForwarder

private let motoURL = ProcessInfo.processInfo.environment["CERTREG_MOTO_URL"]

/// Tests with moto, an independent imitation of many AWS services. `CERTREG_MOTO_URL` is the URL of a `moto_server`
/// with `iot.use_valid_cert` set, so that its certificate IDs are AWS's.
@Suite(.enabled(if: motoURL != nil, "CERTREG_MOTO_URL is not set"))
struct MotoTests {
  @Test func `registers with the keys of the environment, of a role, and of a role assumed by a role`() async throws {
    let url = try #require(motoURL)
    // Each account and each run has its own certificate.
    let der = try certificate()
    let id = SHA256.digest(of: der)
    let profile = MemoryFiles([
      "/h/.aws/config": """
      [profile outer]
      role_arn = arn:aws:iam::222222222222:role/outer
      source_profile = inner
      [profile inner]
      role_arn = arn:aws:iam::111111111111:role/inner
      credential_source = Environment
      """
    ])
    let configurations: [(CredentialsConfiguration, String)] = [
      (.environment, "123456789012"),
      (
        .assumeRole(
          roleARN: "arn:aws:iam::333333333333:role/station", sourceProfile: nil, sessionName: nil, externalID: nil),
        "333333333333"
      ),
      (.profile(name: "outer", file: nil), "222222222222"),
    ]
    for (credentials, account) in configurations {
      let client = try await client(credentials, url: url, files: profile.files)
      let call = RegisterCertificateCall(certificateID: id, der: der, status: .inactive)
      let arn = "arn:aws:iot:eu-central-1:\(account):cert/\(id.hex)"
      guard case .registered(arn, _) = await client.registerCertificateWithoutCA(call) else {
        Issue.record("account \(account): not registered")
        await client.shutdown()
        continue
      }
      guard case .alreadyExists(arn, .inactive, _, nil) = await client.registerCertificateWithoutCA(call) else {
        Issue.record("account \(account): not found again")
        await client.shutdown()
        continue
      }
      #expect(client.credentialsProvenance?.signing.accessKeyID.isEmpty == false)
      await client.shutdown()
    }
  }

  private func client(
    _ credentials: CredentialsConfiguration, url: String, files: HostFiles
  ) async throws -> AWSUpstreamClient {
    var configuration = TargetConfiguration(name: TargetName("moto"))
    configuration.region = "eu-central-1"
    configuration.credentials = credentials
    configuration.describeExisting = true
    return try await AWSUpstreamClient(
      configuration: configuration,
      context: .onHost(
        ["AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"], files: files))
  }

  /// A new certificate in DER form.
  private func certificate() throws -> [UInt8] {
    let result = try ChildProcess.run(
      [
        "openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=moto", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-keyout", "/dev/null", "-outform", "DER",
      ], environment: ["PATH=/usr/bin:/bin:/usr/local/bin"],
      limits: ChildProcess.Limits(timeout: .seconds(30), outputBytes: 100_000, clock: .system, isCancelled: { false }))
    return result.standardOutput
  }
}
