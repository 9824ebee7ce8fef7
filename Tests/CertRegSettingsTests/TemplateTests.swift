import CertRegCore
import CertRegSettings
import Testing

/// Templates of profiles, which are files beside the configuration.
@Suite struct TemplateTests {
  private static let configuration = "provisioning:\n  p:\n    template: /t.json\n"

  /// Loads a profile with a template; `nil`: there is no such file.
  private func load(_ template: String?) throws(SettingsError) -> ProvisioningProfile.Template? {
    let files = ["/c.yaml": Self.configuration, "/t.json": template]
    var arguments = SettingsOverrides()
    arguments.configurationFile = "/c.yaml"
    let loader = SettingsLoader(environment: [:], arguments: arguments, workingDirectory: "/") {
      (path) throws(SettingsError) -> [UInt8]? in files[path].flatMap { $0.map { Array($0.utf8) } }
    }
    let profile = try loader.loadWithTemplates().settings.provisioning.first
    if case .template(let read)? = profile?.form { return read }
    return nil
  }

  @Test func `a template is read, with its parameters and those that need a value`() throws {
    let text = #"{"Parameters": {"A": {"Type": "String"}, "B": {"Default": "b"}}, "Resources": {"r": {}}}"#
    let template = try #require(try load(text))
    #expect(template.body == text && template.file == "/t.json")
    #expect(template.required == ["A"])
    #expect(try load(#"{"Resources": {"r": {}}}"#)?.required == [])
  }

  @Test(arguments: [
    (nil, "there is no file"), ("", "is no provisioning template"), ("[1]", "is no provisioning template"),
    (#"{"Resources": {}}"#, "is no provisioning template"), ("{", "is no provisioning template"),
    (Self.template(of: 10_241), "has 10241 characters; RegisterThing takes a template of at most 10240"),
  ])
  func `a template that cannot be used is a mistake of the line that names it`(text: String?, message: String) throws {
    let error = try #require(throws: SettingsError.self) { try load(text) }
    #expect(error.problems.count == 1)
    let problem = error.problems[0].description
    #expect(problem.hasPrefix("/c.yaml:3: provisioning.p.template: ") && problem.contains(message), "\(problem)")
    #expect(problem.utf8.count < 300)
  }

  /// A template of so many characters.
  private static func template(of count: Int) -> String {
    let (begin, end) = (#"{"Resources": {"r": ""#, #""}}"#)
    return begin + String(repeating: "ü", count: count - begin.count - end.count) + end
  }

  @Test func `a template may be as long as RegisterThing takes it`() throws {
    #expect(try load(Self.template(of: 10_240))?.body.count == 10_240)
  }

  @Test(
    arguments: [
      (#""Type": "AWS::IoT::Policy""#, .kept), (#""Type": "AWS::IoT::Certificate""#, .set(.active)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": "INACTIVE"}"#, .set(.inactive)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": "Active"}"#, .set(.active)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": "REVOKED"}"#, .unknown),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": "active"}"#, .set(.active)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": {"Ref": "S"}}"#, .set(.active)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": {"Ref": "D"}}"#, .set(.inactive)),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": {"Ref": "None"}}"#, .unknown),
      (#""Type": "AWS::IoT::Certificate", "Properties": {"Status": {"Fn::Sub": "ACTIVE"}}"#, .unknown),
      (#""Type": "AWS::IoT::Certificate", "OverrideSettings": {"Status": "DO_NOTHING"}"#, .unknown),
    ] as [(String, FilledTemplate.StatusEffect)])
  func `what a template does to the status of the certificate is told before`(
    resource: String, effect: FilledTemplate.StatusEffect
  ) throws {
    let text = #"{"Parameters": {"S": {}, "D": {"Default": "INACTIVE"}}, "Resources": {"r": {\#(resource)}}}"#
    let profile = ProvisioningProfile(name: "p", form: .template(try #require(try load(text))))
    let filled = try profile.filled(
      with: PlaceholderValues(
        certificateID: CertificateID(words: (1, 0, 0, 0)), deviceID: nil, attributes: [NamedText("S", "Active")],
        certificate: nil))
    guard case .template(let template) = filled.work else { throw Unexpected() }
    #expect(template.status == effect)
  }

  private struct Unexpected: Error {}

  @Test func `a changed template makes another profile`() throws {
    let bodies = try ["a", "b"].map { try #require(try load(#"{"Resources": {"\#($0)": {}}}"#)) }
    let prints = bodies.map { ProvisioningProfile(name: "p", form: .template($0)).fingerprint }
    #expect(prints[0] != prints[1])
  }
}
