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
    /// The texts that are the certificate's ID.
    var ids: [String] { DeviceFields.idHeadings.compactMap { texts[$0] ?? nil } }

    init(_ value: JSON) {
      var texts: [String: String?] = [:]
      var names = Level.described(value)
      let others = Set(Level.others.filter { value[$0.marker] != nil }.map(\.member))
      for member in value.members ?? [] {
        let plain = DeviceFields.plain(member.name)
        guard texts[plain] == nil, !others.contains(plain) else { continue }
        let text = Level.text(member, plain)
        texts[plain] = .some(text)
        guard let text, let heading = NameHeading.of(member.name, plain: plain) else { continue }
        names.append(DeviceFields.Named(heading: heading, text: text))
      }
      self.texts = texts
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

    func holds(_ plain: String) -> Bool { levels.contains { $0.texts[plain] != nil } }

    func text(_ plain: String) -> String? { levels.lazy.compactMap { $0.texts[plain] ?? nil }.first }
  }

  /// The innermost group first.
  private var groups = [Group()]

  init(_ levels: [Level]) {
    groups[0].levels = levels
  }

  /// The members of an object within these.
  func within(_ value: JSON) -> JSONFields {
    var fields = self
    fields.groups[0].levels.insert(Level(value), at: 0)
    return fields
  }

  /// The members around an array of objects.
  ///
  /// - Parameter isList: Whether the array has several objects: what is around them names none of them.
  func around(isList: Bool) -> JSONFields {
    var fields = self
    fields.groups.insert(Group(isInList: isList), at: 0)
    return fields
  }

  /// The members of an object, and of the objects that are last in each other in it, around an array of several
  /// objects.
  func around(last object: JSON) -> JSONFields {
    var fields = self
    var value: JSON? = object
    while let members = value?.members {
      if let value { fields = fields.within(value) }
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

  /// Where the device's name can be, the nearest place first. Within a group, headings that can name something else
  /// count in the innermost object that has one.
  private var names: [DeviceFields.Named] {
    let own = groups.prefix((groups.firstIndex(where: \.isInList) ?? groups.count - 1) + 1)
    return own.flatMap { group in
      let names = group.levels.flatMap(\.names)
      return names.filter(\.heading.isDevice).sorted { $0.heading.rank < $1.heading.rank } + names
    }
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
