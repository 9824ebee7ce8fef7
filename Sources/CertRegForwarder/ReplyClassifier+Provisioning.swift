import CertRegCodec
import CertRegCore

// The replies to the operations that make a device.
extension ReplyClassifier {
  /// Reads a reply to one of the operations.
  func provisioning(_ reply: HTTPReply, to action: ProvisioningAction) -> (reply: UpstreamReply, remedy: Remedy?) {
    let error = AWSErrorReply(reply)
    if (200..<300).contains(reply.status) {
      switch resources(reply, error, of: action) {
      case .success(let resources): return (.provisioned(resources, requestID: error.requestID), nil)
      case .failure(let failed): return (.failed(failed), nil)
      }
    }
    // A repeated CreateThing with the same type and attributes succeeds (API reference, CreateThing).
    if operation == .createThing, error.type == Self.alreadyExists, !error.isForeign {
      return (.failed(thingDiffers(error)), nil)
    }
    let (failed, remedy) = failure(reply, error)
    return (.failed(failed), remedy)
  }

  private func thingDiffers(_ error: AWSErrorReply) -> UpstreamFailure {
    final(
      .resourceAlreadyExists, .thingDiffers, "AWS IoT has a thing of this name with another type or other attributes",
      error)
  }

  private func resources(
    _ reply: HTTPReply, _ error: AWSErrorReply, of action: ProvisioningAction
  ) -> Result<DeviceResources, UpstreamFailure> {
    switch action {
    case .createThing(let name, _, _): return thing(error, name: name)
    case .registerThing: return registered(error)
    case .addThingToThingGroup, .attachPolicy, .attachThingPrincipal:
      // These have no content.
      if let failed = lacksSign(reply, error) { return .failure(failed) }
      return .success(DeviceResources())
    }
  }

  // MARK: CreateThing

  private func thing(_ error: AWSErrorReply, name: String) -> Result<DeviceResources, UpstreamFailure> {
    guard let arn = error.body?["thingArn"]?.string, let resource = ResourceARN(arn),
      case .thing(let made) = resource.kind
    else {
      return .failure(
        garbled("The answer of AWS IoT has no usable ARN of the thing", error, .unavailable(retryAfter: nil)))
    }
    let named = error.body?["thingName"]?.string
    guard made == name, named == nil || named == name else {
      return .failure(
        mismatch(error, "AWS IoT answered about a thing with another name; check `endpoint` and what is between"))
    }
    return .success(DeviceResources(thingName: name, thingARN: arn))
  }

  // MARK: RegisterThing

  /// The resources of a map of logical names to ARNs. The template chooses the logical names, so that only the ARNs
  /// tell what there is.
  private func registered(_ error: AWSErrorReply) -> Result<DeviceResources, UpstreamFailure> {
    let unusable = garbled(
      "The answer of AWS IoT has no usable ARNs of the resources", error, .unavailable(retryAfter: nil))
    guard let members = error.body?["resourceArns"]?.members, !members.isEmpty else { return .failure(unusable) }
    var made = DeviceResources()
    var (policies, groups): (Set<String>, Set<String>) = ([], [])
    for member in members {
      guard let arn = member.value.string, let resource = ResourceARN(arn) else { return .failure(unusable) }
      switch resource.kind {
      case .thing(let name):
        // A template has one thing (AWS IoT Developer Guide, "Provisioning templates").
        guard made.thingARN == nil || made.thingARN == arn else { return .failure(unusable) }
        made.thingName = name
        made.thingARN = arn
      case .policy(let name): policies.insert(name)
      case .group(let name): groups.insert(name)
      case .certificate:
        guard isOurs(arn) else { return .failure(mismatch(error)) }
      case .other: break
      }
    }
    made.policies = policies.sorted()
    made.groups = groups.sorted()
    return .success(made)
  }

  // MARK: ResourceNotFoundException

  /// What the messages of RegisterThing call the resources. Of two that begin at the same place the first one counts.
  private static let words: [(text: String, reason: FailureReason)] = [
    ("thing type", .thingTypeNotFound), ("thingtype", .thingTypeNotFound), ("thing group", .thingGroupNotFound),
    ("thinggroup", .thingGroupNotFound), ("policy", .policyNotFound), ("certificate", .thingOrCertificateNotFound),
    ("thing", .thingOrCertificateNotFound),
  ]

  /// Whether a refused RegisterThing is for want of a resource of the template: of those its error has another type
  /// than those of other operations (API reference, RegisterThing).
  func saysMissing(_ error: AWSErrorReply) -> Bool {
    guard error.type == "ResourceRegistrationFailureException" else { return false }
    let message = (error.message?.prefix(UpstreamText.messageLimit) ?? "").lowercased()
    return ["not found", "cannot be found", "could not be found", "does not exist", "not exist"].contains {
      message.contains($0)
    }
  }

  /// The failure of a call that names what the upstream does not have.
  func missing(_ reason: FailureReason, _ error: AWSErrorReply) -> UpstreamFailure {
    var told = reason
    switch reason {
    case .templateResourceNotFound: told = Self.told(by: error.message) ?? reason
    case .policyNotFound, .thingGroupNotFound:
      if Self.namesOnlyTheOther(error.message, than: reason) { told = .thingOrCertificateNotFound }
    default: break
    }
    let fallback =
      switch told {
      case .thingTypeNotFound: "AWS IoT does not have the thing type"
      case .thingGroupNotFound: "AWS IoT does not have the thing group"
      case .policyNotFound: "AWS IoT does not have the policy"
      case .thingOrCertificateNotFound: "AWS IoT does not have the thing or the certificate"
      case .templateResourceNotFound: "AWS IoT does not have a resource that the template names"
      default: "AWS IoT does not have the certificate"
      }
    return final(.resourceNotFound, told, fallback, error)
  }

  /// Whether a message names the thing or the certificate, and nowhere the policy or group that was to be joined to it.
  private static func namesOnlyTheOther(_ message: String?, than reason: FailureReason) -> Bool {
    let message = (message?.prefix(UpstreamText.messageLimit) ?? "").lowercased()
    return switch reason {
    case .policyNotFound:
      !message.contains("policy") && ["certificate", "principal"].contains { message.contains($0) }
    default: !message.contains("group") && message.contains("thing")
    }
  }

  /// The reason for the resource that a message names first; `nil`: it names none.
  private static func told(by message: String?) -> FailureReason? {
    let message = (message?.prefix(UpstreamText.messageLimit) ?? "").lowercased()
    var first: (place: String.Index, reason: FailureReason)?
    for word in words {
      guard let place = message.firstRange(of: word.text)?.lowerBound else { continue }
      if first.map({ place < $0.place }) ?? true { first = (place, word.reason) }
    }
    return first?.reason
  }
}
