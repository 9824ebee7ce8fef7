import CertRegCore
import Foundation

extension JobFacts {
  /// The JSON form of facts on disk. Members may be added, never renamed: members that this version does not know are
  /// skipped, and a fact whose value it does not know counts as absent.
  struct Record: Codable {
    struct Earlier: Codable {
      var outcome: String
      var status: String?
    }

    struct Registered: Codable {
      var arn: String
      var outcome: String
      var status: String?
      var requestID: String?
    }

    var earlier: Earlier?
    var completedSteps: Int?
    var registered: Registered?
  }

  var record: Record {
    Record(
      earlier: earlier.map { .init(outcome: $0.outcome.rawValue, status: $0.status?.rawValue) },
      completedSteps: completedSteps == 0 ? nil : completedSteps,
      registered: registered.map {
        .init(
          arn: $0.certificateARN, outcome: $0.outcome.rawValue, status: $0.status?.rawValue, requestID: $0.requestID)
      })
  }

  init(_ record: Record) {
    self.init(completedSteps: max(0, record.completedSteps ?? 0))
    if let earlier = record.earlier, let outcome = RegistrationOutcome(rawValue: earlier.outcome) {
      self.earlier = EarlierResult(outcome: outcome, status: earlier.status.flatMap { CertificateStatus(rawValue: $0) })
    }
    if let registered = record.registered, let outcome = RegistrationOutcome(rawValue: registered.outcome) {
      self.registered = RegisteredCertificate(
        certificateARN: registered.arn, outcome: outcome,
        status: registered.status.flatMap { CertificateStatus(rawValue: $0) }, requestID: registered.requestID)
    }
  }

  /// The bytes behind the requester in a row of `queue`. Nothing known takes no byte, so that the first request for a
  /// certificate costs what it cost without facts.
  var bytes: [UInt8] {
    guard self != JobFacts() else { return [] }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // A structure of strings and integers cannot fail to encode.
    return (try? encoder.encode(record)).map { Array($0) } ?? []
  }

  /// Reads `bytes`. Rows of earlier versions have none: nothing is known then.
  init(bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, let record = try? JSONDecoder().decode(Record.self, from: Data(bytes)) else {
      self.init()
      return
    }
    self.init(record)
  }
}
