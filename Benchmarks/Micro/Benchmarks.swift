import Benchmark
import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegProtocol
import CertRegSigV4
import CertRegSocket
import CertRegStore
import CertRegX509
import Dispatch
import Foundation

/// A self-signed P-256 certificate that is valid until 2126.
private let pem = """
  -----BEGIN CERTIFICATE-----
  MIIBbzCCARagAwIBAgIIQAAAAAAAAAEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJ
  YmVuY2htYXJrMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYxMTAxMDAwODMxWjAUMRIw
  EAYDVQQDDAliZW5jaG1hcmswWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASlf3nR
  aMEqpGo9MFBUNAbJHEf10ITPqh+CREhRHLEEvH43LNIlh8GgskJyOvs8Qi4x1X7h
  kA2+DXl/8s/bdKjOo1AwTjAdBgNVHQ4EFgQUg9/SspHMj/O+BBCD6KiCoel1dZYw
  HwYDVR0jBBgwFoAUg9/SspHMj/O+BBCD6KiCoel1dZYwDAYDVR0TAQH/BAIwADAK
  BggqhkjOPQQDAgNHADBEAiBVDsoJqMWLL594VUHkEY0uMeF/c+BTuB2adJOyskuC
  OAIgJtkYAmg8moHH+NmaNxCKssE45FjLNEalJqFHVppeYag=
  -----END CERTIFICATE-----

  """

private let now = WallTime(secondsSinceEpoch: 1_800_000_000)
private let line = Array(
  "{\"id\":1,\"certificatePem\":\"\(pem.replacingOccurrences(of: "\n", with: "\\n"))\",\"status\":\"ACTIVE\"}".utf8)

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .cpuTotal, .throughput], scalingFactor: .kilo, maxDuration: .seconds(3))

  Benchmark("parse a request") { benchmark in
    for _ in benchmark.scaledIterations { blackHole(try line.withUnsafeBytes { try LineParser.parse($0) }) }
  }

  Benchmark("hash a text") { benchmark in
    var random = SystemRandomNumberGenerator()
    let hash = TextHash(using: &random)
    for _ in benchmark.scaledIterations { blackHole(line.withUnsafeBytes { hash.value(of: $0) }) }
  }

  Benchmark("decode PEM and fingerprint") { benchmark in
    let policies = ValidationPolicies()
    for _ in benchmark.scaledIterations {
      blackHole(SHA256.digest(of: try CertificatePEM.decode(pem, policies: policies)))
    }
  }

  Benchmark("judge a certificate") { benchmark in
    let validator = CertificateValidator(policies: ValidationPolicies())
    let der = try CertificatePEM.decode(pem, policies: ValidationPolicies())
    for _ in benchmark.scaledIterations { blackHole(try validator.validate(der: der, now: now)) }
  }

  Benchmark("sign a request") { benchmark in
    let signer = RequestSigner(
      credentials: SigningCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret"),
      scope: SigningScope(region: "us-east-1", service: "iot"))
    let payloadHash = SHA256.digest(of: line)
    for _ in benchmark.scaledIterations {
      blackHole(
        signer.sign(
          method: "POST", path: "/certificate/register-no-ca",
          headers: [("Host", "iot.us-east-1.amazonaws.com"), ("Content-Type", "application/json")],
          payloadHash: payloadHash, at: now))
    }
  }

  Benchmark("commit 64 results", configuration: .init(scalingFactor: .one)) { benchmark in
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-micro-\(getpid())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = try SQLiteRegistrationStore(directory: directory.path, clock: .system) { _ in }
    defer { store.close() }
    var number: UInt64 = 0
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      let changes = (0..<64).map { _ in
        number += 1
        return StoreChange.keep(registration(number), nil)
      }
      let done = DispatchSemaphore(value: 0)
      store.commit(changes) { _ in done.signal() }
      done.wait()
    }
    benchmark.stopMeasurement()
  }
}

private func registration(_ number: UInt64) -> Registration {
  let id = CertificateID(words: (number &* 0x9e37_79b9_7f4a_7c15, number, 0, 0))
  return Registration(
    key: RegistrationKey(certificateID: id, target: TargetName("default")),
    certificateARN: "arn:aws:iot:us-east-1:123456789012:cert/\(id.hex)", outcome: .created, status: .active,
    requestID: nil, finishedAt: now, basis: VerdictBasis(notBefore: now, notAfter: now, policyFingerprint: 0))
}
