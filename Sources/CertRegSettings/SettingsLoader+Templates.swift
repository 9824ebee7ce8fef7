import CertRegCodec
import CertRegCore

// The templates of provisioning profiles are files of their own, read together with the configuration.
extension SettingsLoader {
  /// The most characters that RegisterThing takes as `templateBody`
  /// (https://docs.aws.amazon.com/iot/latest/apireference/API_RegisterThing.html).
  private static let limitCharacters = 10_240

  /// The effective configuration with the templates of its profiles, as the daemon needs it. Reads all files anew each
  /// time.
  ///
  /// - Parameter inForce: As of ``load(replacing:)``.
  /// - Throws: As ``load(replacing:)``, then everything that is wrong with templates, at the keys that name them.
  package func loadWithTemplates(replacing inForce: LoadedSettings? = nil) throws(SettingsError) -> LoadedSettings {
    var loaded = try load(replacing: inForce)
    var problems: [SettingsError.Problem] = []
    for index in loaded.settings.provisioning.indices {
      guard case .template(let template) = loaded.settings.provisioning[index].form else { continue }
      let path = "provisioning.\(loaded.settings.provisioning[index].name).template"
      do throws(TemplateFault) {
        loaded.settings.provisioning[index].form = .template(try read(template.file))
      } catch {
        problems.append(SettingsError.Problem(origin: loaded.origin(of: path), key: path, message: error.message))
      }
    }
    if !problems.isEmpty { throw SettingsError(problems: problems) }
    return loaded
  }

  /// Why a template cannot be used.
  private struct TemplateFault: Error {
    var message: String
  }

  private func read(_ file: String) throws(TemplateFault) -> ProvisioningProfile.Template {
    let bytes: [UInt8]?
    do throws(SettingsError) { bytes = try readFile(file) } catch {
      throw TemplateFault(message: "\(quoted(file, limit: 4096)): \(error.problems.first?.message ?? "cannot be read")")
    }
    guard let bytes else { throw TemplateFault(message: "there is no file \(quoted(file, limit: 4096))") }
    let body = String(decoding: bytes, as: UTF8.self)
    guard body.unicodeScalars.count <= Self.limitCharacters else {
      throw TemplateFault(
        message: "\(quoted(file, limit: 4096)) has \(body.unicodeScalars.count) characters;"
          + " RegisterThing takes a template of at most \(Self.limitCharacters)")
    }
    guard let json = try? JSONValue(parsing: bytes), json["Resources"]?.members?.isEmpty == false else {
      throw TemplateFault(
        message: "\(quoted(file, limit: 4096)) is no provisioning template: a JSON object with Resources is expected")
    }
    if let fault = json.templateFault {
      throw TemplateFault(message: "\(quoted(file, limit: 4096)) cannot be used: \(fault)")
    }
    var template = ProvisioningProfile.Template(file: file)
    template.body = body
    let parameters = json["Parameters"]?.members ?? []
    template.required = parameters.filter { $0.value["Default"] == nil }.map(\.name)
    template.status = Self.status(json)
    if let name = json.resources("AWS::IoT::Thing").first?["Properties"]?["ThingName"] {
      template.thingName = ProvisioningProfile.Template.Text(name, in: json)
    }
    return template
  }

  /// What a template does to the status of the certificate (AWS IoT Developer Guide, "Provisioning templates"). Without
  /// `Status` it is set to ACTIVE. Whether a status takes effect that has `OverrideSettings` depends on the
  /// certificate.
  private static func status(_ template: JSONValue) -> ProvisioningProfile.Template.Status {
    guard let certificate = template.resources("AWS::IoT::Certificate").first else { return .kept }
    guard certificate["OverrideSettings"] == nil else { return .unknown }
    guard let status = certificate["Properties"]?["Status"] else { return .literal(CertificateStatus.active.rawValue) }
    if let literal = status.string { return .literal(literal) }
    guard let name = status["Ref"]?.string, status.members?.count == 1 else { return .unknown }
    return .parameter(name, default: template["Parameters"]?[name]?["Default"]?.string)
  }
}
