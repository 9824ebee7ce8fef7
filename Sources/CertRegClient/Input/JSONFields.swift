import CertRegCodec

/// The members of an object and of the objects around it, by name. Each object is gone through once, however many certificates
/// are in it.
struct JSONFields {
  /// The members of one object.
  struct Level {
    /// By plain name. `nil`: the member is neither text nor a number.
    let texts: [String: String?]

    init(_ value: JSON) {
      let named = (value.members ?? []).map { member -> (String, String?) in
        switch member.value {
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

  /// The innermost object first.
  private let levels: [Level]

  init(_ levels: [Level]) {
    self.levels = levels
  }

  /// The members of an object within these.
  func within(_ value: JSON) -> JSONFields {
    JSONFields([Level(value)] + levels)
  }

  /// The columns that name and describe the device.
  var fields: DeviceFields {
    DeviceFields { plain in levels.lazy.compactMap { $0.texts[plain] ?? nil }.first }
  }
}
