import CertRegCore
import Foundation

/// What was known before a registration was asked for, as it stands behind the requester in a row of `queue`: the outcome's and
/// the status's code, or nothing.
enum EarlierBytes {
  static func append(_ earlier: EarlierResult?, to bytes: inout [UInt8]) {
    guard let earlier else { return }
    bytes.append(earlier.outcome == .created ? 1 : 2)
    bytes.append(earlier.status.map { UInt8($0.code) } ?? 0)
  }

  /// - Returns: `nil` where nothing was known.
  static func read(_ bytes: ArraySlice<UInt8>) -> EarlierResult? {
    guard let outcome = bytes.first, let status = bytes.dropFirst().first else { return nil }
    return EarlierResult(
      outcome: outcome == 1 ? .created : .existing, status: status == 0 ? nil : CertificateStatus(code: Int64(status)))
  }
}

/// The JSON form of what a row of `attempt` says of a registration: the last error's members, and what the finished steps
/// established.
struct AttemptJSON: Codable {
  /// What RegisterCertificateWithoutCA brought, and how many steps have ended.
  struct Progress: Codable {
    var completedSteps: Int
    var certificateARN: String?
    var outcome: String?
    var status: String?
    var requestID: String?
  }

  var error: ServiceError?
  var progress: Progress?

  private enum CodingKeys: String, CodingKey {
    case progress
  }

  init(error: ServiceError?, progress: Progress?) {
    self.error = error
    self.progress = progress
  }

  init(from decoder: any Decoder) throws {
    error = try? ServiceError(from: decoder)
    progress = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Progress.self, forKey: .progress)
  }

  func encode(to encoder: any Encoder) throws {
    try error?.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(progress, forKey: .progress)
  }

  /// The bytes of the row's column; `nil`: there is nothing to say.
  var bytes: [UInt8]? {
    guard error != nil || progress != nil else { return nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // A structure of strings, integers and booleans cannot fail to encode.
    return (try? encoder.encode(self)).map { Array($0) }
  }

  static func read(_ bytes: [UInt8]?) -> AttemptJSON {
    let read = bytes.flatMap { try? JSONDecoder().decode(AttemptJSON.self, from: Data($0)) }
    return read ?? AttemptJSON(error: nil, progress: nil)
  }
}

extension AttemptJSON.Progress {
  /// `nil` where no step has ended.
  init?(_ facts: JobFacts) {
    guard facts.completedSteps > 0 else { return nil }
    self.init(
      completedSteps: facts.completedSteps, certificateARN: facts.registered?.certificateARN,
      outcome: facts.registered?.outcome.rawValue, status: facts.registered?.status?.rawValue,
      requestID: facts.registered?.requestID)
  }

  /// Adds what the finished steps established.
  func complete(_ facts: inout JobFacts) {
    facts.completedSteps = completedSteps
    guard let certificateARN, let outcome = outcome.flatMap({ RegistrationOutcome(rawValue: $0) }) else { return }
    facts.registered = RegisteredCertificate(
      certificateARN: certificateARN, outcome: outcome, status: status.flatMap { CertificateStatus(rawValue: $0) },
      requestID: requestID)
  }
}
