import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// What profiles make in an upstream inside the process.
@Suite struct EmbeddedDevicesTests {
  private let upstream = EmbeddedUpstream(SandboxAccount(), clock: ManualClock.atStart().clock, seed: 1)

  private func perform(_ action: ProvisioningAction) async -> UpstreamReply {
    await upstream.perform(
      .provision(
        ProvisioningCall(action: action, certificateID: certificate(1).id, certificateARN: "arn", home: nil)))
  }

  private func register() {
    _ = upstream.registerCertificateWithoutCA(
      RegisterCertificateCall(certificateID: certificate(1).id, der: certificate(1).der, status: nil))
  }

  private func reason(_ reply: UpstreamReply) -> Reason? {
    if case .failed(let failure) = reply { failure.error.reason } else { nil }
  }

  private func resources(_ reply: UpstreamReply) -> DeviceResources? {
    if case .provisioned(let resources, _) = reply { resources } else { nil }
  }

  @Test func `a thing is made once, and another one of its name is refused`() async {
    register()
    let action = ProvisioningAction.createThing(name: "t", type: "x", attributes: [NamedText("a", "1")])
    let made = DeviceResources(thingName: "t", thingARN: "arn:aws:iot:eu-central-1:123456789012:thing/t")
    #expect(resources(await perform(action)) == made)
    #expect(resources(await perform(action)) == made)
    #expect(reason(await perform(.createThing(name: "t", type: nil, attributes: []))) == .thingDiffers)
  }

  @Test func `attachments are described, each once`() async throws {
    register()
    _ = await perform(.createThing(name: "t", type: nil, attributes: []))
    for action in [
      ProvisioningAction.attachPolicy("p"), .attachPolicy("p"), .attachThingPrincipal(thing: "t", isExclusive: true),
      .addThingToThingGroup(thing: "t", group: "g"),
    ] { #expect(resources(await perform(action)) == DeviceResources()) }
    let described = try await upstream.describe(certificate(1).id)
    #expect(described.things == ["t"] && described.policies == ["p"])
  }

  @Test func `a template brings its thing and policies`() async throws {
    register()
    let body = """
      {"Parameters": {"N": {"Type": "String"}, "CertificateId": {"Type": "String"}}, "Resources": {
       "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "N"}, "ThingGroups": ["g"]}},
       "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "CertificateId"}}},
       "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "p"}}}}
      """
    let parameters = [NamedText("CertificateId", certificate(1).id.hex), NamedText("N", "t")]
    let made = resources(await perform(.registerThing(FilledTemplate(body: body, parameters: parameters))))
    #expect(made?.thingName == "t" && made?.policies == ["p"])
    #expect(try await upstream.describe(certificate(1).id).things == ["t"])
    // Without another word a template activates the certificate.
    #expect(try await upstream.describe(certificate(1).id).status == .active)
    let lacking = FilledTemplate(body: body, parameters: Array(parameters.prefix(1)))
    #expect(reason(await perform(.registerThing(lacking))) == .upstreamRefused)
  }

  @Test func `nothing is made of a certificate that is not registered`() async {
    #expect(reason(await perform(.attachPolicy("p"))) == .certificateNotFound)
  }
}
