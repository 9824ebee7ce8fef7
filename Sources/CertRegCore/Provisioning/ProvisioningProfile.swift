/// A profile of the configuration: `provisioning.NAME`. It says what makes a device of a registered certificate.
package struct ProvisioningProfile: Hashable, Sendable {
  /// Placeholders that are not attributes of a request.
  package enum Builtin: String, CaseIterable, Sendable {
    /// The member `deviceId` of the request.
    case deviceID = "deviceId"
    /// The certificate's ID.
    case certificateID = "certificateId"
    /// The common name of the certificate's subject (RFC 5280 section 4.1.2.6).
    case commonName = "cn"
    /// The certificate's serial number (RFC 5280 section 4.1.2.2), in lower-case hex.
    case serialNumber = "serialNumber"
  }

  /// The thing that a profile makes.
  package struct Thing: Hashable, Sendable {
    /// `thing.name`.
    package var name: PlaceholderText
    /// `thing.type`; `nil`: none.
    package var type: PlaceholderText?
    /// `thing.attributes`, in the order of their names.
    package var attributes: [Attribute]
    /// `thing.groups`.
    package var groups: [PlaceholderText]
    /// `thing.exclusive`.
    package var isExclusive: Bool

    package init(
      name: PlaceholderText, type: PlaceholderText? = nil, attributes: [Attribute] = [],
      groups: [PlaceholderText] = [], isExclusive: Bool = false
    ) {
      self.name = name
      self.type = type
      self.attributes = attributes
      self.groups = groups
      self.isExclusive = isExclusive
    }
  }

  /// An attribute of a thing.
  package struct Attribute: Hashable, Sendable {
    /// Its name, without placeholders.
    package var name: String
    /// Its value.
    package var value: PlaceholderText

    package init(name: String, value: PlaceholderText) {
      self.name = name
      self.value = value
    }
  }

  /// A template for RegisterThing.
  package struct Template: Hashable, Sendable {
    /// The absolute path of the file.
    package var file: String
    /// The file's content, a JSON document; empty until the file was read.
    package var body = ""
    /// Names of parameters without a default.
    package var required: [String] = []
    /// What it does to the status of the certificate.
    package var status = Status.unknown
    /// The name of its thing; `nil`: it has none.
    package var thingName: Text?

    /// A text of a template.
    package indirect enum Text: Hashable, Sendable {
      case literal(String)
      /// The value of a parameter, and its default.
      case parameter(String, default: String?)
      /// Several texts in a row, with another between them.
      case joined([Text], by: String)
      /// More than parameters decides.
      case unknown

      /// The text with the values of parameters; `nil`: it is not known.
      func value(_ parameters: [NamedText]) -> String? {
        switch self {
        case .literal(let text): return text
        case .parameter(let name, let byDefault): return parameters.first { $0.name == name }?.value ?? byDefault
        case .joined(let texts, let separator):
          let values = texts.compactMap { $0.value(parameters) }
          return values.count == texts.count ? values.joined(separator: separator) : nil
        case .unknown: return nil
        }
      }
    }

    /// What a template says of the status of the certificate.
    package enum Status: Hashable, Sendable {
      /// It does not describe the certificate.
      case kept
      case literal(String)
      /// The value of a parameter, and its default.
      case parameter(String, default: String?)
      /// More than its own text decides.
      case unknown
    }

    package init(file: String) {
      self.file = file
    }
  }

  /// The two ways to provision.
  package enum Form: Hashable, Sendable {
    case parts(thing: Thing?, policies: [PlaceholderText], activatesLast: Bool)
    case template(Template)
  }

  /// The name that requests and the configuration use.
  package var name: String
  /// What it makes.
  package var form: Form {
    didSet { update() }
  }
  /// Stands for the name and the form in tags.
  package private(set) var fingerprint: UInt64 = 0
  /// Whether the device's name matters.
  package private(set) var usesDeviceID = false
  /// Names of the attributes that matter, sorted; of a template every attribute does.
  package private(set) var attributeNames: [String] = []

  /// - Parameters:
  ///   - name: Its name.
  ///   - form: What it makes.
  package init(name: String, form: Form) {
    self.name = name
    self.form = form
    update()
  }

  /// Whether every attribute of a request matters.
  package var takesAllAttributes: Bool {
    if case .template = form { true } else { false }
  }

  /// Whether the certificate has to be read for the values of placeholders.
  package var readsCertificate: Bool {
    let names = texts.flatMap(\.names)
    return names.contains(Builtin.commonName.rawValue) || names.contains(Builtin.serialNumber.rawValue)
  }

  /// All its texts with placeholders.
  var texts: [PlaceholderText] {
    guard case .parts(let thing, let policies, _) = form else { return [] }
    guard let thing else { return policies }
    return [thing.name] + (thing.type.map { [$0] } ?? []) + thing.attributes.map(\.value) + thing.groups + policies
  }

  private mutating func update() {
    let names = Set(texts.flatMap(\.names))
    usesDeviceID = names.contains(Builtin.deviceID.rawValue)
    attributeNames = names.filter { Builtin(rawValue: $0) == nil }.sorted()
    var hash = FNV1a()
    hash.add(name)
    switch form {
    case .parts(let thing, let policies, let activatesLast):
      hash.add(byte: activatesLast ? 1 : 0)
      if let thing {
        hash.add(thing.name.text)
        hash.add(thing.type?.text ?? "")
        hash.add(byte: thing.isExclusive ? 1 : 0)
        for attribute in thing.attributes {
          hash.add(attribute.name)
          hash.add(attribute.value.text)
        }
        hash.add(byte: 2)
        for group in thing.groups { hash.add(group.text) }
      }
      hash.add(byte: 3)
      for policy in policies { hash.add(policy.text) }
    case .template(let template):
      hash.add(byte: 4)
      hash.add(template.body)
    }
    fingerprint = hash.value
  }
}
