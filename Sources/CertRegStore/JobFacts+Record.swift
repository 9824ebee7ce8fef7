import CertRegCodec
import CertRegCore

extension JobFacts {
  /// The JSON form of facts on disk. Members may be added, never renamed: unknown members are skipped, and a fact with
  /// an unknown value counts as absent.
  var json: JSONValue {
    .object(of: [
      "asksAnew": asksAnew ? .bool(true) : nil,
      "begunAnew": isBegunAnew ? .bool(true) : nil,
      "completedSteps": completedSteps == 0 ? nil : .integer(completedSteps),
      "earlier": earlier.map { earlier in
        .object(of: [
          "arn": earlier.certificateARN.map { .string($0) }, "gone": earlier.isGone ? .bool(true) : nil,
          "keepsOutcome": earlier.keepsOutcome ? .bool(true) : nil,
          "outcome": .string(earlier.outcome.rawValue), "provisioned": earlier.provisioned?.json,
          "status": (earlier.status?.rawValue).map { .string($0) },
        ])
      },
      "home": home?.json,
      "place": place?.json,
      "recalled": isRecalled ? .bool(true) : nil,
      "registered": registered.map { registered in
        .object(of: [
          "arn": .string(registered.certificateARN), "outcome": .string(registered.outcome.rawValue),
          "provisioned": registered.provisioned?.json,
          "requestID": registered.requestID.map { .string($0) },
          "status": (registered.status?.rawValue).map { .string($0) },
        ])
      },
    ])
  }

  init(_ json: JSONValue) {
    self.init(
      completedSteps: max(0, json["completedSteps"]?.integer ?? 0), isRecalled: json["recalled"]?.bool ?? false,
      isBegunAnew: json["begunAnew"]?.bool ?? false, asksAnew: json["asksAnew"]?.bool ?? false)
    if let earlier = json["earlier"], let outcome = earlier["outcome"]?.string.flatMap(RegistrationOutcome.init) {
      self.earlier = EarlierResult(
        outcome: outcome, status: earlier["status"]?.string.flatMap(CertificateStatus.init),
        provisioned: earlier["provisioned"].flatMap(Provisioned.init),
        keepsOutcome: earlier["keepsOutcome"]?.bool ?? false, certificateARN: earlier["arn"]?.string,
        isGone: earlier["gone"]?.bool ?? false)
    }
    home = json["home"].flatMap(JobHome.init)
    place = json["place"].flatMap(JobHome.init)
    if let registered = json["registered"], let arn = registered["arn"]?.string,
      let outcome = registered["outcome"]?.string.flatMap(RegistrationOutcome.init)
    {
      self.registered = RegisteredCertificate(
        certificateARN: arn, outcome: outcome, status: registered["status"]?.string.flatMap(CertificateStatus.init),
        requestID: registered["requestID"]?.string, provisioned: registered["provisioned"].flatMap(Provisioned.init))
    }
  }
}

extension JobHome {
  fileprivate var json: JSONValue {
    .object(of: ["account": (account?.rawValue).map { .string($0) }, "location": .string(location.description)])
  }

  fileprivate init?(_ json: JSONValue) {
    guard let location = json["location"]?.string else { return nil }
    self.init(
      location: UpstreamLocation(description: location),
      account: json["account"]?.string.flatMap(AccountPrefix.init(rawValue:)))
  }
}

/// What a row of `queue` has behind the requester: the purpose of the job, what makes a device, and the facts known at
/// the request, as JSON.
enum RequestRecord {
  /// A record that was read.
  struct Content {
    var purpose = JobPurpose.register
    var provisioning: Provisioning?
    var namedStatus: CertificateStatus?
    var overridesStatus = false
    var facts = JobFacts()
  }

  /// The usual request, to register a certificate of which nothing is known, takes no byte.
  static func bytes(_ entry: PendingRegistration) -> [UInt8] {
    guard
      entry.purpose != .register || entry.provisioning != nil || entry.facts != JobFacts()
    else { return [] }
    guard case .object(var members) = entry.facts.json else { return [] }
    if let named = entry.namedStatus { members.append(.init("namedStatus", .string(named.rawValue))) }
    if entry.overridesStatus { members.append(.init("overridesStatus", .bool(true))) }
    if entry.purpose != .register { members.append(.init("purpose", .string(entry.purpose.rawValue))) }
    if let provisioning = entry.provisioning { members.append(.init("provisioning", provisioning.json)) }
    return JSONValue.object(members).jsonBytes
  }

  /// Reads `bytes`. Rows of earlier versions have none, or facts only. `nil`: they are no record, or what makes a
  /// device cannot be read. Without it the job would register the certificate and leave it at that.
  static func read(_ bytes: some Collection<UInt8>) -> Content? {
    guard !bytes.isEmpty else { return Content() }
    guard let json = try? JSONValue(parsing: Array(bytes)), json.members != nil else { return nil }
    var content = Content(
      purpose: json["purpose"]?.string.flatMap(JobPurpose.init) ?? .register, facts: JobFacts(json))
    content.namedStatus = json["namedStatus"]?.string.flatMap(CertificateStatus.init)
    content.overridesStatus = json["overridesStatus"]?.bool ?? false
    if let provisioning = json["provisioning"] {
      content.provisioning = Provisioning(provisioning)
      if content.provisioning == nil { return nil }
    }
    return content
  }
}
