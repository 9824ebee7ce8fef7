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

  /// A template with the certificate of the request.
  ///
  /// - Parameters:
  ///   - parameters: Its other parameters.
  ///   - certificate: Further members of the certificate's resource.
  ///   - properties: Further properties of the certificate.
  ///   - others: Further resources.
  private static func text(
    parameters: String = "", certificate: String = "", properties: String = "", others: String = ""
  ) -> String {
    let id = #""CertificateId": {"Ref": "CertificateId"}"#
    return #"{"Parameters": {"CertificateId": {"Type": "String"}\#(parameters)}, "Resources": {"c": "#
      + #"{"Type": "AWS::IoT::Certificate", "Properties": {\#(id)\#(properties)}\#(certificate)}\#(others)}}"#
  }

  private static func thing(_ name: String) -> String {
    #", "t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": \#(name)}}"#
  }

  @Test func `a template is read, with its parameters and those that need a value`() throws {
    let text = Self.text(parameters: #", "A": {"Type": "String"}, "B": {"Default": "b"}"#)
    let template = try #require(try load(text))
    #expect(template.body == text && template.file == "/t.json")
    #expect(template.required == ["CertificateId", "A"] && template.thingName == nil)
  }

  @Test(arguments: [
    (#"{"Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "a"}}}}"#, "no resource"),
    (#"{"Resources": {"c": {"Type": "AWS::IoT::Certificate"}}}"#, "its certificate needs"),
    (Self.resource(#""CertificateSigningRequest": {"Ref": "CertificateId"}"#), "needs no CertificateSigningRequest"),
    (Self.resource(#""CertificatePem": {"Ref": "CertificateId"}"#), "needs no CertificatePem"),
    (Self.resource(#""CertificateId": "0123""#), "its certificate needs"),
    (Self.resource(#""CertificateId": {"Ref": "Other"}"#), "its certificate needs"),
    (
      #"{"Resources": {"c": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "CertificateId"}}}}}"#,
      #""CertificateId", which is none of its Parameters"#
    ),
    (Self.text(others: Self.thing(#"{"Fn::Sub": "a-${Site}"}"#)), #""Site", which is none of its Parameters"#),
    (Self.text(properties: #", "Status": "BOGUS""#), #""BOGUS" is neither ACTIVE nor INACTIVE"#),
    (Self.text(properties: #", "Status": "REVOKED""#), #""REVOKED" is neither ACTIVE nor INACTIVE"#),
    (Self.text(others: #", "d": {"Type": "AWS::IoT::Certificate"}"#), "more than one AWS::IoT::Certificate"),
  ])
  func `a template has to make its device of the certificate of the request`(text: String, message: String) throws {
    let error = try #require(throws: SettingsError.self) { try load(text) }
    #expect(error.problems.count == 1 && error.problems[0].description.contains(message), "\(error.problems)")
  }

  private static func resource(_ properties: String) -> String {
    #"{"Parameters": {"CertificateId": {}, "Other": {}}, "#
      + #""Resources": {"c": {"Type": "AWS::IoT::Certificate", "Properties": {\#(properties)}}}}"#
  }

  @Test(arguments: [
    #"{"Fn::Sub": "${CertificateId}"}"#, #"{"Fn::Sub": ["${X}", {"X": {"Ref": "CertificateId"}}]}"#,
    #"{"Fn::Join": ["", [{"Ref": "CertificateId"}]]}"#,
  ])
  func `a template may refer to the certificate by a function`(id: String) throws {
    #expect(try load(Self.resource(#""CertificateId": \#(id)"#)) != nil)
  }

  @Test(
    arguments: [
      (#""a""#, .literal("a")), (#"{"Ref": "A"}"#, .parameter("A", default: nil)),
      (#"{"Ref": "B"}"#, .parameter("B", default: "b")),
      (#"{"Fn::Join": ["-", ["x", {"Ref": "A"}]]}"#, .joined([.literal("x"), .parameter("A", default: nil)], by: "-")),
      (
        #"{"Fn::Sub": "x${B}y"}"#,
        .joined([.literal("x"), .parameter("B", default: "b"), .literal("y")], by: "")
      ), (#"{"Fn::Select": ["0", ["a"]]}"#, .unknown), ("7", .unknown),
    ] as [(String, ProvisioningProfile.Template.Text)])
  func `the name of the thing is known as far as parameters give it`(
    name: String, text: ProvisioningProfile.Template.Text
  ) throws {
    let template = try load(
      Self.text(parameters: #", "A": {}, "B": {"Default": "b"}"#, others: Self.thing(name)))
    #expect(template?.thingName == text)
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
    let (begin, end) = (text().dropLast(2) + #", "r": ""#, #""}}"#)
    return begin + String(repeating: "ü", count: count - begin.count - end.count) + end
  }

  @Test func `a template may be as long as RegisterThing takes it`() throws {
    #expect(try load(Self.template(of: 10_240))?.body.count == 10_240)
  }

  @Test(
    arguments: [
      ("", "", .set(.active)), (#", "Status": "INACTIVE""#, "", .set(.inactive)),
      (#", "Status": "Active""#, "", .set(.active)), (#", "Status": "active""#, "", .set(.active)),
      (#", "Status": {"Ref": "S"}"#, "", .set(.active)), (#", "Status": {"Ref": "D"}"#, "", .set(.inactive)),
      (#", "Status": {"Fn::Sub": "ACTIVE"}"#, "", .unknown),
      ("", #", "OverrideSettings": {"Status": "DO_NOTHING"}"#, .unknown),
    ] as [(String, String, FilledTemplate.StatusEffect)])
  func `what a template does to the status of the certificate is told before`(
    properties: String, certificate: String, effect: FilledTemplate.StatusEffect
  ) throws {
    let text = Self.text(
      parameters: #", "S": {}, "D": {"Default": "INACTIVE"}"#, certificate: certificate, properties: properties)
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
    let bodies = try ["a", "b"].map { try #require(try load(Self.text(others: #", "\#($0)": {}"#))) }
    let prints = bodies.map { ProvisioningProfile(name: "p", form: .template($0)).fingerprint }
    #expect(prints[0] != prints[1])
  }
}
