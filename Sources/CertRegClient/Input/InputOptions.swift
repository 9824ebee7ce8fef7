/// How the user wants sources to be read. All verbs share these options.
package struct InputOptions: Hashable, Sendable {
  /// The form of the source; `nil`: as its content tells.
  package var format: InputFormat?
  /// The column or member with the certificate; `nil`: as headings and content tell.
  package var column: String?
  /// The column or member with the device's name; `nil`: the one with a usual heading.
  package var nameColumn: String?
  /// Attributes that each request gets.
  package var attributes: [AttributeRule] = []
  /// Fails entries whose common name differs from the device's name.
  package var checksCommonName = false
  /// A file with the names or certificate IDs of the devices to take; `nil`: all are taken.
  package var onlyPath: String?
  /// The set to take where a supplier delivers several certificates for one chip.
  package var set: String?
  /// Takes certificates of authorities, too.
  package var includesAuthorities = false

  package init() {}

  /// Refuses options that choose among certificates by what a word of the command line does not tell.
  ///
  /// - Throws: `InputError` `nothingToSelect`, for certificates that are named one by one.
  func expectNoSelection() throws(InputError) {
    try expectNoSet()
    let option = onlyPath.map { "--only \($0)" } ?? (checksCommonName ? "--check-cn" : nil)
    guard let option else { return }
    throw InputError(
      .nothingToSelect, "\(option): an ID does not tell the device's name",
      advice: "leave \(option) out, or give a file or the report of the import in place of the ID")
  }

  /// - Throws: `InputError` where a set is selected, for reports: they do not tell the sets.
  func expectNoSet() throws(InputError) {
    if let set { throw .nothingToSelect(set) }
  }
}

/// Where the value of an attribute comes from: `NAME=@COLUMN` or `NAME=VALUE`.
package struct AttributeRule: Hashable, Sendable {
  /// The source of a value.
  package enum Source: Hashable, Sendable {
    /// The column or member of this name.
    case column(String)
    /// The same value for all entries.
    case value(String)
  }

  /// The name of the attribute in the request.
  package let name: String
  /// Where its value comes from.
  package let source: Source

  /// Reads `NAME=@COLUMN` or `NAME=VALUE`; `nil` for anything else.
  package init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
    name = String(text[..<equals])
    let value = text[text.index(after: equals)...]
    source = value.hasPrefix("@") ? .column(String(value.dropFirst())) : .value(String(value))
  }
}

/// The forms that `--format` names.
package enum InputFormat: String, CaseIterable, Hashable, Sendable {
  case folder
  case pem
  case der
  case pkcs7
  case base64
  case csv
  case json
  case jsonl
  case microchip
  case archive
  case tar
  case zip
}
