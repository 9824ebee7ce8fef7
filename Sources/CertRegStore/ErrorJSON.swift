import CertRegCodec
import CertRegCore

/// The JSON form in which errors are stored. The names of its members stay as they are: databases hold them.
enum ErrorJSON {
  /// An error's members, and beside them the first requester, the facts of finished steps and the sequence number of
  /// the job as far as they are known.
  ///
  /// - Parameter isBesideResult: Whether the job that failed left a result, too.
  static func encode(
    _ error: ServiceError?, requester: Requester? = nil, facts: JobFacts? = nil, sequence: Int64? = nil,
    isBesideResult: Bool = false
  ) -> [UInt8] {
    JSONValue.object(of: [
      "besideResult": isBesideResult ? .bool(true) : nil,
      "facts": facts?.json,
      "failedStep": (error?.failedStep).map { step in
        .object(of: [
          "certificateARN": .string(step.certificateARN), "certificateID": .string(step.certificateID),
          "operation": .string(step.operation),
        ])
      },
      "kind": (error?.kind.rawValue).map { .string($0) },
      "message": (error?.message).map { .string($0) },
      "origin": (error?.origin.rawValue).map { .string($0) },
      "reason": (error?.reason.rawValue).map { .string($0) },
      "requestID": (error?.requestID).map { .string($0) },
      "requester": requester.map(json),
      "resourceARN": (error?.resourceARN).map { .string($0) },
      "resourceID": (error?.resourceID).map { .string($0) },
      "retryAfterMilliseconds": (error?.retryAfterMilliseconds).map { .integer($0) },
      "retryable": (error?.retryable).map { .bool($0) },
      "sequence": sequence.map { .integer($0) },
      "status": (error?.status?.rawValue).map { .string($0) },
      "upstreamType": (error?.upstreamType).map { .string($0) },
    ]).jsonBytes
  }

  /// The facts of finished steps; `nil` if `text` holds none.
  static func facts(in text: [UInt8]) -> JobFacts? {
    (try? JSONValue(parsing: text))?["facts"].map { JobFacts($0) }
  }

  private static func json(_ requester: Requester) -> JSONValue {
    .object(of: [
      "pid": .integer(requester.pid), "uid": .integer(requester.uid), "unit": requester.unit.map { .string($0) },
    ])
  }

  /// The error; `nil` if `text` is not in the form that ``encode(_:requester:facts:sequence:isBesideResult:)`` writes.
  static func decode(_ text: [UInt8]) -> ServiceError? {
    guard let json = try? JSONValue(parsing: text), let kind = json["kind"]?.string.flatMap(ServiceError.Kind.init),
      let reason = json["reason"]?.string, let message = json["message"]?.string,
      let retryable = json["retryable"]?.bool, let origin = json["origin"]?.string.flatMap(ServiceError.Origin.init)
    else { return nil }
    var error = ServiceError(
      kind, reason: Reason(rawValue: reason), message: message, retryable: retryable, origin: origin,
      retryAfterMilliseconds: json["retryAfterMilliseconds"]?.integer.map { Int64($0) },
      resourceID: json["resourceID"]?.string, resourceARN: json["resourceARN"]?.string,
      status: json["status"]?.string.flatMap(CertificateStatus.init), requestID: json["requestID"]?.string,
      upstreamType: json["upstreamType"]?.string)
    if let step = json["failedStep"], let operation = step["operation"]?.string,
      let id = step["certificateID"]?.string, let arn = step["certificateARN"]?.string
    {
      error.failedStep = FailedStep(operation: operation, certificateID: id, certificateARN: arn)
    }
    return error
  }

  /// The sequence number of the job; `nil` if `text` names none.
  static func sequence(in text: [UInt8]) -> Int64? {
    (try? JSONValue(parsing: text))?["sequence"]?.integer.map { Int64($0) }
  }

  /// Whether the job that failed left a result, too.
  static func isBesideResult(_ text: [UInt8]) -> Bool {
    (try? JSONValue(parsing: text))?["besideResult"]?.bool ?? false
  }

  /// The first requester; `nil` if `text` names none.
  static func requester(in text: [UInt8]) -> Requester? {
    guard let json = (try? JSONValue(parsing: text))?["requester"],
      let uid = json["uid"]?.integer.flatMap({ UInt32(exactly: $0) }),
      let pid = json["pid"]?.integer.flatMap({ Int32(exactly: $0) })
    else { return nil }
    return Requester(uid: uid, pid: pid, unit: json["unit"]?.string)
  }
}
