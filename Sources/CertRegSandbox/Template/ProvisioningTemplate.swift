import CertRegCodec

/// A provisioning template (AWS IoT Developer Guide, "Provisioning templates").
struct ProvisioningTemplate {
  /// What to do with a property of a resource that exists already.
  enum OverrideSetting: String {
    case doNothing = "DO_NOTHING"
    case replace = "REPLACE"
    case fail = "FAIL"
    case merge = "MERGE"
  }

  /// A resource with its parameters filled in.
  struct Resource {
    /// The name within the template.
    var logicalName: String
    var properties: JSONValue
    var overrideSettings: [String: OverrideSetting]
  }

  /// `AWS::IoT::Thing`.
  private(set) var thing: Resource?
  /// `AWS::IoT::Certificate`.
  private(set) var certificate: Resource?
  /// `AWS::IoT::Policy`.
  private(set) var policies: [Resource] = []

  /// Reads a template and fills its parameters in.
  ///
  /// - Throws: InvalidRequestException.
  init(_ text: String, parameters: [String: String]) throws(SandboxError) {
    guard let template = try? JSONValue(parsing: text), template.members != nil else {
      throw .template("it is not a JSON object")
    }
    guard let resources = template["Resources"]?.members, !resources.isEmpty else {
      throw .template("it has no Resources")
    }
    let values = try ProvisioningTemplate.values(of: template["Parameters"], parameters)
    var evaluator = TemplateEvaluator(parameters: values, mappings: template["Mappings"])
    try ProvisioningTemplate.checkDependencies(resources)
    for member in resources {
      let resource = Resource(
        logicalName: member.name, properties: try evaluator.evaluate(member.value["Properties"] ?? .object([])),
        overrideSettings: try ProvisioningTemplate.overrideSettings(member))
      switch member.value["Type"]?.string {
      case "AWS::IoT::Thing":
        guard thing == nil else { throw .template("it has more than one thing") }
        thing = resource
      case "AWS::IoT::Certificate":
        guard certificate == nil else { throw .template("it has more than one certificate") }
        certificate = resource
      case "AWS::IoT::Policy": policies.append(resource)
      default:
        throw .template(
          "the Type of \(member.name) is none of AWS::IoT::Thing, AWS::IoT::Certificate and AWS::IoT::Policy")
      }
    }
    if certificate == nil, !policies.isEmpty { throw .template("it has a policy and no certificate") }
  }

  /// The values of the declared parameters: those of the request, otherwise the defaults.
  private static func values(
    of declarations: JSONValue?, _ parameters: [String: String]
  ) throws(SandboxError) -> [String: String] {
    var values: [String: String] = [:]
    for declaration in declarations?.members ?? [] {
      guard declaration.value["Type"]?.string == "String" else {
        throw .template("the Type of the parameter \(declaration.name) is not String")
      }
      guard let value = parameters[declaration.name] ?? declaration.value["Default"]?.string else {
        throw SandboxError(.invalidRequest, "The parameter \(declaration.name) has no value and no default")
      }
      values[declaration.name] = value
    }
    return values
  }

  private static func overrideSettings(
    _ resource: JSONValue.Member
  ) throws(SandboxError) -> [String: OverrideSetting] {
    var settings: [String: OverrideSetting] = [:]
    let allowed: [String: Set<OverrideSetting>] =
      switch resource.value["Type"]?.string {
      case "AWS::IoT::Thing":
        [
          "AttributePayload": [.doNothing, .replace, .fail, .merge], "ThingTypeName": [.doNothing, .replace, .fail],
          "ThingGroups": [.doNothing, .replace, .fail, .merge],
        ]
      case "AWS::IoT::Certificate": ["Status": [.doNothing, .replace, .fail]]
      default: [:]
      }
    for member in resource.value["OverrideSettings"]?.members ?? [] {
      guard let setting = member.value.string.flatMap({ OverrideSetting(rawValue: $0) }),
        allowed[member.name]?.contains(setting) == true
      else { throw .template("OverrideSettings of \(resource.name) cannot have this \(member.name)") }
      settings[member.name] = setting
    }
    return settings
  }

  /// Checks that `DependsOn` names other resources, and not in a circle. The order in which resources are made is
  /// fixed: thing, certificate, policies.
  private static func checkDependencies(_ resources: [JSONValue.Member]) throws(SandboxError) {
    var waiting: [String: Set<String>] = [:]
    for resource in resources {
      guard waiting[resource.name] == nil else { throw .template("it has two resources \(resource.name)") }
      let value = resource.value["DependsOn"]
      let names = value?.string.map { [$0] } ?? value?.array?.compactMap(\.string) ?? []
      for name in names where !resources.contains(where: { $0.name == name }) {
        throw .template("\(resource.name) depends on \(name), which is not a resource of it")
      }
      waiting[resource.name] = Set(names)
    }
    while !waiting.isEmpty {
      let ready = Set(waiting.filter(\.value.isEmpty).keys)
      if ready.isEmpty { throw .template("its resources depend on each other in a circle") }
      waiting = waiting.filter { !ready.contains($0.key) }.mapValues { $0.subtracting(ready) }
    }
  }
}

extension ProvisioningTemplate.Resource {
  /// A property that is a string; `nil` if it is absent.
  ///
  /// - Throws: InvalidRequestException for another value and for one that the constraint excludes.
  func text(_ name: String, _ constraint: TextConstraint? = nil) throws(SandboxError) -> String? {
    guard let value = properties[name] else { return nil }
    guard let text = value.string else { throw .template("\(name) of \(logicalName) is not a string") }
    return try constraint?.check(text, at: name) ?? text
  }

  /// A property that is a list of strings.
  func texts(_ name: String, _ constraint: TextConstraint) throws(SandboxError) -> [String]? {
    guard let value = properties[name] else { return nil }
    guard let elements = value.array else { throw .template("\(name) of \(logicalName) is not a list") }
    var texts: [String] = []
    for element in elements {
      guard let text = element.string else { throw .template("\(name) of \(logicalName) is not a list of strings") }
      texts.append(try constraint.check(text, at: name))
    }
    return texts
  }

  /// `AttributePayload`: an object of strings.
  func attributes() throws(SandboxError) -> [String: String]? {
    guard let value = properties["AttributePayload"] else { return nil }
    guard let members = value.members else { throw .template("AttributePayload of \(logicalName) is not an object") }
    var attributes: [String: String] = [:]
    for member in members {
      guard let text = member.value.string else {
        throw .template("the attribute \(member.name) of \(logicalName) is not a string")
      }
      attributes[try TextConstraint.attributeName.check(member.name, at: "AttributePayload")] =
        try TextConstraint.attributeValue.check(text, at: "AttributePayload")
    }
    return attributes
  }
}
