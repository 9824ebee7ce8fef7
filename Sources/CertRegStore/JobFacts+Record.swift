import CertRegCodec
import CertRegCore

extension JobFacts {
  /// The JSON form of facts on disk. Members may be added, never renamed: unknown members are skipped, and a fact with
  /// an unknown value counts as absent.
  var json: JSONValue {
    .object(of: [
      "completedSteps": completedSteps == 0 ? nil : .integer(completedSteps),
      "earlier": earlier.map { earlier in
        .object(of: [
          "outcome": .string(earlier.outcome.rawValue), "status": (earlier.status?.rawValue).map { .string($0) },
        ])
      },
      "registered": registered.map { registered in
        .object(of: [
          "arn": .string(registered.certificateARN), "outcome": .string(registered.outcome.rawValue),
          "requestID": registered.requestID.map { .string($0) },
          "status": (registered.status?.rawValue).map { .string($0) },
        ])
      },
    ])
  }

  init(_ json: JSONValue) {
    self.init(completedSteps: max(0, json["completedSteps"]?.integer ?? 0))
    if let earlier = json["earlier"], let outcome = earlier["outcome"]?.string.flatMap(RegistrationOutcome.init) {
      self.earlier = EarlierResult(
        outcome: outcome, status: earlier["status"]?.string.flatMap(CertificateStatus.init))
    }
    if let registered = json["registered"], let arn = registered["arn"]?.string,
      let outcome = registered["outcome"]?.string.flatMap(RegistrationOutcome.init)
    {
      self.registered = RegisteredCertificate(
        certificateARN: arn, outcome: outcome, status: registered["status"]?.string.flatMap(CertificateStatus.init),
        requestID: registered["requestID"]?.string)
    }
  }

  /// The bytes behind the requester in a row of `queue`. Nothing known takes no byte, so that the first request for a
  /// certificate costs what it cost without facts.
  var bytes: [UInt8] { self == JobFacts() ? [] : json.jsonBytes }

  /// Reads `bytes`. Rows of earlier versions have none: nothing is known then.
  init(bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, let json = try? JSONValue(parsing: Array(bytes)) else {
      self.init()
      return
    }
    self.init(json)
  }
}
