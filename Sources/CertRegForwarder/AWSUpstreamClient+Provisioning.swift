import CertRegCodec
import CertRegCore

// The operations that make a device.
extension AWSUpstreamClient {
  /// Makes a call of one of the operations.
  func provision(_ call: ProvisioningCall) async -> UpstreamReply {
    let operation = IoTOperation(call.action)
    do throws(UpstreamFailure) {
      return await exchange(try request(call), operation, call.certificateID) { classifier, reply in
        classifier.provisioning(reply, to: call.action)
      } failure: {
        .failed($0)
      }
    } catch {
      return .failed(error)
    }
  }

  private func request(_ call: ProvisioningCall) throws(UpstreamFailure) -> SignableRequest {
    let operation = IoTOperation(call.action)
    var request: SignableRequest
    switch call.action {
    case .createThing(let name, _, _): request = try self.request(operation, name)
    case .attachPolicy(let policy): request = try self.request(operation, policy)
    case .attachThingPrincipal(let thing, let isExclusive):
      request = try self.request(operation, thing, query: isExclusive ? "thingPrincipalType=EXCLUSIVE_THING" : "")
      request.headers = operation.headers.map { ($0, call.certificateARN) }
    case .addThingToThingGroup: request = try self.request(operation)
    case .registerThing:
      request = try self.request(operation)
      // The reply holds `certificatePem`, too.
      request.limitBytes = Self.descriptionLimitBytes
    }
    request.body = Self.body(call)?.jsonBytes
    return request
  }

  /// `nil`: the operation has none.
  private static func body(_ call: ProvisioningCall) -> JSONValue? {
    switch call.action {
    case .createThing(_, let type, let attributes):
      let payload: JSONValue? = attributes.isEmpty ? nil : .object(of: ["attributes": .map(attributes)])
      return .object(of: ["thingTypeName": type.map { .string($0) }, "attributePayload": payload])
    case .addThingToThingGroup(let thing, let group):
      return .object(of: ["thingGroupName": .string(group), "thingName": .string(thing)])
    case .attachPolicy: return .object(of: ["target": .string(call.certificateARN)])
    case .attachThingPrincipal: return nil
    case .registerThing(let template):
      return .object(of: ["templateBody": .string(template.body), "parameters": .map(template.parameters)])
    }
  }
}

extension IoTOperation {
  init(_ action: ProvisioningAction) {
    self =
      switch action {
      case .createThing: .createThing
      case .addThingToThingGroup: .addThingToThingGroup
      case .attachPolicy: .attachPolicy
      case .attachThingPrincipal: .attachThingPrincipal
      case .registerThing: .registerThing
      }
  }
}

extension JSONValue {
  /// An object with texts.
  fileprivate static func map(_ texts: [NamedText]) -> JSONValue {
    .object(texts.map { Member($0.name, .string($0.value)) })
  }
}
