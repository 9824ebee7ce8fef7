import CertRegCodec

/// The members of an object and of the objects around it, by name. Each object is gone through once, however many
/// certificates are in it.
struct JSONFields {
  /// The members of one object.
  struct Level {
    /// By plain name. `nil`: the member is neither text nor a number.
    let texts: [String: String?]
    /// The texts with usual headings of names, the most specific heading first.
    let names: [DeviceFields.Named]
    /// Whether the object describes a certificate, or a place for one, and not a device.
    let isOfCredential: Bool
    /// The texts that are the certificate's ID.
    var ids: [String] { DeviceFields.idHeadings.compactMap { texts[$0] ?? nil } }

    init(_ value: JSON, isOfCredential: Bool = false) {
      var texts: [String: String?] = [:]
      var names = Level.described(value)
      var lacksName = false
      let others = Set(Level.others.filter { value[$0.marker] != nil }.map(\.member))
      for member in value.members ?? [] {
        let plain = DeviceFields.plain(member.name)
        guard texts[plain] == nil, !others.contains(plain) else { continue }
        let text = Level.text(member, plain)
        texts[plain] = .some(text)
        guard let heading = NameHeading.of(member.name, plain: plain) else { continue }
        let named = DeviceFields.Named(heading: heading, text: text ?? "")
        if text != nil { names.append(named) }
        if heading.isDevice, member.value.isNull || text != nil && named.isBlank { lacksName = true }
      }
      // The number of the row would take the place of the device's ID.
      if lacksName { names.removeAll { $0.heading.isNumber && $0.text.allSatisfy(\.isNumber) } }
      self.texts = texts
      self.isOfCredential = isOfCredential
      self.names = Array(names.sorted { $0.heading.rank < $1.heading.rank }.prefix(NameHeading.maximum))
    }

    /// Members that name no device beside a member that tells whose they are: a place in the records of an import, the
    /// number of a Terraform state, the name of a resource, and the host and program that wrote a line of a log.
    private static let others = [
      ("outcome", "name"), ("terraform_version", "serial"), ("instances", "name"), ("msg", "hostname"), ("msg", "name"),
    ].map { (marker: $0.0, member: $0.1) }

    /// The text of a member; `nil` for other values and for keys.
    private static func text(_ member: JSON.Member, _ plain: String) -> String? {
      switch member.value.withoutType {
      case .string(let text), .number(let text):
        RawKey.namesKey(plain) || RawKey.isKey(text, under: plain) ? nil : text
      default: nil
      }
    }

    /// What an object beside the certificate says about the device: `device`, and `metadata` as Kubernetes has it. One
    /// with a certificate of its own says nothing about others.
    private static func described(_ value: JSON) -> [DeviceFields.Named] {
      ["device", value["kind"]?.string == nil ? nil : "metadata"].compactMap { $0 }.flatMap { name in
        let members = value[name]?.members ?? []
        let isShort = members.allSatisfy { ($0.value.string ?? "").utf8.count <= DeviceFields.maximumNameCharacters }
        return !isShort
          ? []
          : members.compactMap { member -> DeviceFields.Named? in
            let plain = DeviceFields.plain(member.name)
            let whole = name == "device" ? name + plain : plain
            guard let text = text(member, plain), let heading = NameHeading.of(whole) ?? NameHeading.of(plain) else {
              return nil
            }
            return DeviceFields.Named(heading: heading, text: text)
          }
      }
    }
  }

  /// Objects within each other without an array between them, and whether other devices can be in the outermost one,
  /// too.
  private struct Group {
    /// The innermost object first.
    var levels: [Level] = []
    var isInList = false

    /// The names in an object for a certificate that can be the certificate's.
    var namesOfCredential: [DeviceFields.Named] {
      levels.filter(\.isOfCredential).flatMap(\.names).filter { !$0.heading.isDevice }
    }

    /// The other names. Headings that can name something else count in the innermost object that has one.
    var names: [DeviceFields.Named] {
      let all = levels.flatMap(\.names).filter(\.heading.isDevice).sorted { $0.heading.rank < $1.heading.rank }
      return all + levels.filter { !$0.isOfCredential }.flatMap(\.names)
    }

    func holds(_ plain: String) -> Bool { levels.contains { $0.texts[plain] != nil } }

    func text(_ plain: String) -> String? { levels.lazy.compactMap { $0.texts[plain] ?? nil }.first }
  }

  /// The innermost group first.
  private var groups = [Group()]
  /// Whether the member that is read next has certificates, or the objects in it.
  private var isOfCredential = false
  /// Whether it has several devices, although it may have one of them.
  private(set) var isOfDevices = false

  init(_ levels: [Level]) {
    groups[0].levels = levels
  }

  /// The members of an object within these.
  func within(_ value: JSON) -> JSONFields {
    var fields = self
    fields.groups[0].levels.insert(Level(value, isOfCredential: isOfCredential), at: 0)
    fields.isOfDevices = false
    return fields
  }

  /// The members around the value of a member.
  ///
  /// - Parameter member: The plain name of the member.
  func around(member: String) -> JSONFields {
    var fields = self
    fields.isOfDevices = JSONFields.listsOfDevices.contains(member)
    fields.isOfCredential =
      !fields.isOfDevices
      && (isOfCredential || JSONFields.credentials.contains(member)
        || DeviceFields.certificateHeadings.contains(member))
    return fields
  }

  /// Plain names of members that have certificates, or objects with one.
  private static let credentials: Set = [
    "credential", "credentials", "certificatechain", "certificateinfo", "identity", "identities", "keypair", "keypairs",
    "slot", "slots", "tls", "x509certificates",
  ]
  /// Plain names of members that have devices.
  private static let listsOfDevices: Set = ["devices", "things", "nodes", "gateways", "sensors", "boards", "geräte"]

  /// The members around an array of objects.
  ///
  /// - Parameter isList: Whether the array has several objects: what is around them names none of them.
  func around(isList: Bool) -> JSONFields {
    var fields = self
    fields.groups.insert(Group(isInList: isList), at: 0)
    fields.isOfDevices = false
    return fields
  }

  /// The members of an object, and of the objects that are last in each other in it, around an array of several
  /// objects.
  func around(last object: JSON) -> JSONFields {
    var fields = self
    var value: JSON? = object
    while let members = value?.members {
      if let value { fields = fields.within(value) }
      if let last = members.last { fields = fields.around(member: DeviceFields.plain(last.name)) }
      value = members.last?.value
    }
    return fields.around(isList: true)
  }

  /// The columns that name and describe the device.
  var fields: DeviceFields {
    DeviceFields(names: { names }, ids: { groups[0].levels.first?.ids ?? [] }) { plain in
      // A member that is there, and neither text nor a number, is empty.
      groups.lazy.compactMap { $0.text(plain) }.first ?? (groups.contains { $0.holds(plain) } ? "" : nil)
    }
  }

  /// Where the device's name can be, the nearest place first. What can be the name of a certificate goes behind the
  /// device's around it. Around an array, `name` and `id` can be those of a list.
  private var names: [DeviceFields.Named] {
    let end = groups.firstIndex(where: \.isInList) ?? groups.count - 1
    // A list of certificates within a device.
    let isOfDevice =
      groups[end].levels.contains(where: \.isOfCredential)
      && groups[(end + 1)...].contains { $0.names.contains(where: \.heading.isOfMachine) }
    return groups[...end].reversed().reduce(into: []) { names, group in
      let ofCredential = isOfDevice ? [] : group.namesOfCredential
      names =
        ofCredential.isEmpty
        ? group.names + names
        : group.names + names.filter(\.heading.isOfMachine) + ofCredential + names.filter { !$0.heading.isOfMachine }
    }
  }
}

extension JSON.Member {
  /// So many characters of a name are a part of places.
  private static let longestName = 200

  /// The name as places have it, each of which has the names of all members around it.
  var shownName: String {
    name.utf8.count <= JSON.Member.longestName ? name : name.prefix(JSON.Member.longestName) + "…"
  }
}

extension JSON {
  /// The text of a value that a database writes with its type, as DynamoDB (`{"S": "text"}`, `{"N": "7"}`) and MongoDB
  /// (`{"$numberLong": "7"}`) do; the value itself for any other.
  var withoutType: JSON {
    guard let members, members.count == 1, JSON.types.contains(members[0].name), members[0].value.string != nil else {
      return self
    }
    return members[0].value
  }

  /// Those of DynamoDB, and of MongoDB's Extended JSON for numbers and UUIDs.
  private static let types: Set = ["S", "N", "$numberLong", "$numberInt", "$numberDecimal", "$uuid"]
}
