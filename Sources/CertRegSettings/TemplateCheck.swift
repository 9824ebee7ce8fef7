import CertRegCodec
import CertRegCore

// What RegisterThing would refuse in a template only after the certificate was registered, or would make without the
// certificate (AWS IoT Developer Guide, "Provisioning templates").
extension JSONValue {
  /// The resources of a type in a template.
  func resources(_ type: String) -> [JSONValue] {
    (self["Resources"]?.members ?? []).map(\.value).filter { $0["Type"]?.string == type }
  }

  /// Why the daemon cannot use a template; `nil`: nothing is known against it.
  var templateFault: String? {
    let declared = Set((self["Parameters"]?.members ?? []).map(\.name))
    let certificates = resources("AWS::IoT::Certificate")
    guard let certificate = certificates.first?["Properties"] ?? certificates.first else {
      return "it has no resource AWS::IoT::Certificate, which has to have \(Self.reference)"
    }
    if certificates.count > 1 { return "it has more than one AWS::IoT::Certificate" }
    for other in ["CertificateSigningRequest", "CertificatePem"] where certificate[other] != nil {
      return "its certificate is registered already and needs no \(other), but \(Self.reference)"
    }
    guard certificate["CertificateId"]?.references.contains("CertificateId") == true else {
      return "its certificate needs \(Self.reference)"
    }
    // Names of AWS are no parameters of the template.
    let unknown = self["Resources"]?.references.first { !declared.contains($0) && !$0.hasPrefix("AWS::") }
    if let unknown { return "it refers to \(unknown.quoted), which is none of its Parameters" }
    if let status = certificate["Status"]?.string, CertificateStatus.ofTemplate(status) == nil {
      return "the Status \(status.quoted) is neither ACTIVE nor INACTIVE"
    }
    return nil
  }

  private static let reference = #""CertificateId": {"Ref": "CertificateId"}"#

  /// The names that `Ref` and `Fn::Sub` refer to, anywhere in the value.
  private var references: [String] {
    switch self {
    case .null, .bool, .number, .string: return []
    case .array(let elements): return elements.flatMap(\.references)
    case .object(let members):
      if members.count == 1, members[0].name == "Ref" { return members[0].value.string.map { [$0] } ?? [] }
      if members.count == 1, members[0].name == "Fn::Sub" { return members[0].value.substituted }
      return members.flatMap(\.value.references)
    }
  }

  /// The names that the argument of `Fn::Sub` refers to: `"text ${Name}"`, or `["text ${Name}", {"Name": value}]`.
  private var substituted: [String] {
    guard let text = string ?? array?.first?.string else { return [] }
    let variables = array.flatMap { $0.count == 2 ? $0[1].members : nil } ?? []
    let names = SubstitutionText(text).names.filter { name in !variables.contains { $0.name == name } }
    return names + variables.flatMap(\.value.references)
  }
}

extension ProvisioningProfile.Template.Text {
  /// - Parameters:
  ///   - value: A text, or a function that gives one.
  ///   - template: The template, for its parameters.
  init(_ value: JSONValue, in template: JSONValue) {
    func parameter(_ name: String) -> Self {
      .parameter(name, default: template["Parameters"]?[name]?["Default"]?.string)
    }
    if let text = value.string {
      self = .literal(text)
    } else if let function = value.members?.first, value.members?.count == 1 {
      switch (function.name, function.value.string, function.value.array) {
      case ("Ref", let name?, _): self = parameter(name)
      case ("Fn::Sub", let text?, _):
        let pieces = SubstitutionText(text).pieces
        self = .joined(pieces.map { $0.isName ? parameter($0.text) : .literal($0.text) }, by: "")
      case ("Fn::Join", _, let parts?) where parts.count == 2:
        guard let separator = parts[0].string, let texts = parts[1].array else { fallthrough }
        self = .joined(texts.map { Self($0, in: template) }, by: separator)
      default: self = .unknown
      }
    } else {
      self = .unknown
    }
  }
}

/// The text of `Fn::Sub`: `${Name}` stands for a value, `${!Name}` for itself.
private struct SubstitutionText {
  /// The pieces in their order, with names without their braces.
  private(set) var pieces: [(text: String, isName: Bool)] = []

  init(_ text: String) {
    var rest = text[...]
    while let open = rest.firstRange(of: "${") {
      pieces.append((String(rest[..<open.lowerBound]), false))
      rest = rest[open.upperBound...]
      let end = rest.firstIndex(of: "}") ?? rest.endIndex
      let name = rest[..<end]
      if name.hasPrefix("!") {
        pieces.append(("${\(name.dropFirst())}", false))
      } else {
        pieces.append((String(name), true))
      }
      rest = rest[end...].dropFirst()
    }
    pieces.append((String(rest), false))
  }

  var names: [String] { pieces.filter(\.isName).map(\.text) }
}
