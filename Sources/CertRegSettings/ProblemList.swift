/// The problems of a configuration. A person mends a few at a time, so that only the first ones are kept: a file of a
/// mebibyte can have a hundred thousand.
struct ProblemList {
  /// So many problems are kept.
  static let maximumProblems = 100

  /// In the order in which they were found.
  private(set) var all: [SettingsError.Problem] = []
  /// Whether further problems need no suggestion, whose search takes time.
  var isFull: Bool { all.count > ProblemList.maximumProblems }

  mutating func add(_ origin: SettingOrigin, _ key: String, _ message: String, suggestion: String? = nil) {
    guard !isFull else { return }
    if all.count == ProblemList.maximumProblems {
      all.append(SettingsError.Problem(origin: origin, key: "", message: "there are more problems"))
    } else {
      all.append(SettingsError.Problem(origin: origin, key: key, message: message, suggestion: suggestion))
    }
  }

  /// The problems in another order. That there are more of them still comes last.
  func sorted(
    by areInOrder: (SettingsError.Problem, SettingsError.Problem) -> Bool
  ) -> [SettingsError.Problem] {
    all.prefix(Self.maximumProblems).sorted(by: areInOrder) + all.dropFirst(Self.maximumProblems)
  }

  /// The path of a member, in which a name that no key has is cut.
  static func path(_ key: String, _ name: String) -> String {
    let name = name.utf8.count <= 128 ? name : "\(name.prefix(64))…"
    return key.isEmpty ? name : "\(key).\(name)"
  }
}
