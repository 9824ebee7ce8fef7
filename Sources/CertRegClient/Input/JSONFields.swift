import CertRegCodec

/// The members of an object and of the objects around it, by name. Each object is gone through once, however many
/// certificates are in it.
struct JSONFields {
  /// The members of one object.
  struct Level {
    /// By plain name. `nil`: the member is neither text nor a number.
    let texts: [String: String?]

    init(_ value: JSON) {
      let named = (value.members ?? []).map { member -> (String, String?) in
        switch member.value.withoutType {
        case .string(let text), .number(let text): (DeviceFields.plain(member.name), text)
        default: (DeviceFields.plain(member.name), nil)
        }
      }
      var texts = Dictionary(named, uniquingKeysWith: { first, _ in first })
      // In the records of an import, `name` is a place.
      if value["outcome"] != nil { texts["name"] = nil }
      self.texts = texts
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
    DeviceFields(names: { names }) { plain in
      // A member that is there, and neither text nor a number, is empty.
      groups.lazy.compactMap { $0.text(plain) }.first ?? (groups.contains { $0.holds(plain) } ? "" : nil)
    }
  }

  /// Where the device's name can be, the nearest place first. Within a group, headings that can name something else
  /// count in the innermost object that has one.
  private var names: [(String) -> String?] {
    let own = groups.prefix((groups.firstIndex(where: \.isInList) ?? groups.count - 1) + 1)
    return own.flatMap { group in
      [{ plain in DeviceFields.deviceHeadings.contains(plain) ? group.text(plain) : nil }]
        + group.levels.map { level in { plain in level.texts[plain] ?? nil } }
    }
  }
}

extension JSON {
  /// The text of a value that DynamoDB writes with its type, `{"S": "text"}` or `{"N": "7"}`; the value itself for any
  /// other.
  var withoutType: JSON {
    guard let members, members.count == 1, members[0].name == "S" || members[0].name == "N",
      members[0].value.string != nil
    else { return self }
    return members[0].value
  }
}
