import CertRegCodec

extension SandboxOperation {
  /// `POST /things`.
  static let registrationOperations: [SandboxOperation] = [
    SandboxOperation(.registerThing, "POST", "/things") { input, scope throws(SandboxError) in
      let body = try input.body()
      let text = try body.required("templateBody", .templateBody)
      let parameters = try body.map("parameters", names: .parameterName, values: .parameterValue) ?? [:]
      let template = try ProvisioningTemplate(text, parameters: parameters)
      let outcome: ThingRegistration.Outcome
      do throws(SandboxError) {
        let registration = try ThingRegistration(template, judge: scope.judge, at: scope.now)
        outcome = try scope.store.change { content throws(SandboxError) in
          try registration.perform(in: &content, at: scope.now)
        }
      } catch {
        throw error.ofRegisterThing
      }
      return .object(of: [
        "certificatePem": outcome.der.map { .string(PEM.certificate(der: $0)) },
        "resourceArns": .map(outcome.resourceARNs),
      ])
    }
  ]
}

extension SandboxError {
  /// The error of an operation that RegisterThing calls, under the name that RegisterThing has for it.
  var ofRegisterThing: SandboxError {
    switch kind {
    case .invalidRequest, .internalFailure, .resourceRegistrationFailure: self
    default: SandboxError(.resourceRegistrationFailure, message)
    }
  }
}
