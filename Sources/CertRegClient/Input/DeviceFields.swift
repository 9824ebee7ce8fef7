import CertRegCore

/// The columns of a row or the members of an object, by name. Case, spaces, `_` and `-` do not count in names.
struct DeviceFields {
  /// A text with a usual heading of names.
  struct Named {
    var heading: NameHeading
    var text: String
    /// Whether this place names the other devices. Where it is empty, or a placeholder stands in it, another heading
    /// would give a name of another kind, such as the number of the row.
    var namesOthers = false
    /// Whether nothing stands here, or what programs write in place of nothing.
    var isBlank: Bool {
      guard text.utf8.count <= DeviceFields.longestName else { return false }
      let bare = DeviceFields.bare(text)
      return bare.isEmpty || DeviceName.isPlaceholder(bare)
    }
  }

  /// Headings of the certificate, most specific first.
  static let certificateHeadings = [
    "certificatepem", "devicecertificatepem", "devicecertificate", "devicecert", "clientcertificate", "certificate",
    "certificatebody", "cert", "certs", "certificates", "pem", "devicepem", "x509", "x509certificate",
    "certificatedata", "crt", "x5c",
    "zertifikat", "gerätezertifikat", "certificat", "certificado", "certificato", "certificaat", "证书", "设备证书",
    "証明書", "デバイス証明書",
  ]
  /// The longest device name that certregd takes.
  static let maximumNameCharacters = 128
  /// So much of a longer name is shown: more than the bytes of the longest name.
  private static let longestName = 4 * maximumNameCharacters

  /// Plain headings of the certificate's ID, and of an ARN that ends with it. A fingerprint can be that of the key or of
  /// the file.
  static let idHeadings: Set<String> = ["certificateid", "certificatearn", "certid", "certarn"]

  private let value: (String) -> String?
  /// Where the device's name can be, the best place first.
  private let names: () -> [Named]
  private let ids: () -> [String]

  /// - Parameters:
  ///   - names: Gives the texts with usual headings of names.
  ///   - ids: Gives the texts with the headings of ``idHeadings``.
  ///   - value: Gives the text for a plain name that the user gave.
  init(
    names: @escaping () -> [Named], ids: @escaping () -> [String] = { [] },
    _ value: @escaping (_ plainName: String) -> String?
  ) {
    self.names = names
    self.ids = ids
    self.value = value
  }

  /// The fields of one place, and behind them those of another.
  init(_ first: DeviceFields, orElse second: DeviceFields) {
    names = { first.names() + second.names() }
    ids = { first.ids() + second.ids() }
    value = { first.value($0) ?? second.value($0) }
  }

  /// The same for many certificates: what is looked up for each of them is looked up once.
  var settled: DeviceFields {
    let names = names()
    let ids = ids().compactMap(DeviceFields.id)
    return DeviceFields(names: { names }, ids: { ids }, value)
  }

  /// A name up to where it is shown.
  static func shown(_ name: String) -> String {
    guard name.utf8.count > longestName else { return name }
    return String(String.UnicodeScalarView(name.unicodeScalars.prefix(longestName)))
  }

  /// A name without what does not count.
  static func plain(_ name: String) -> String {
    if name.utf8.allSatisfy({ $0 < 0x80 }) {
      return String(decoding: name.utf8.compactMap(plainByte), as: UTF8.self)
    }
    return String(
      name.lowercased().unicodeScalars.filter {
        // macOS writes accents as characters of their own.
        $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0.properties.canonicalCombiningClass != .notReordered
      })
  }

  private static func plainByte(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
    default: nil
    }
  }

  /// The device's name, where there is one.
  func deviceID(_ options: InputOptions) -> String? {
    if case .text(let name) = name(options) { name } else { nil }
  }

  /// What stands in the place of the device's name: in the column that the options name, or else in the first one with
  /// a usual heading that names a device.
  ///
  /// - Parameter certificates: The certificates of the device, whose own numbers name none.
  func name(_ options: InputOptions, of certificates: [InputCertificate] = []) -> DeviceName {
    let keys = RawKey(certificates)
    if let column = options.nameColumn {
      return DeviceName(value(DeviceFields.plain(column)) ?? "", under: nil, of: certificates, keys)
    }
    var other = DeviceName.none
    for candidate in names() {
      let name = DeviceName(candidate.text, under: candidate.heading, of: certificates, keys)
      switch name {
      // A number of the row would take the place of a name that was lost.
      case .damaged, .unreadable: return name
      case .text(let text):
        if candidate.heading.isDevice || !DeviceFields.isPath(text) { return name }
        if other == .none || other == .placeholder { other = name }
      case .key, .placeholder: if other == .none { other = name }
      case .none: break
      }
      if candidate.namesOthers, candidate.isBlank { break }
    }
    return other
  }

  /// Whether a text is the path of a resource, `projects/p/locations/l/registries/r/devices/7`: another name is better.
  private static func isPath(_ text: String) -> Bool { text.utf8.count { $0 == UInt8(ascii: "/") } > 2 }

  /// The ID of another certificate than these, which stands beside them as theirs; `nil` where there is none.
  func otherID(than certificates: [InputCertificate]) -> String? {
    let own = certificates.compactMap(\.digest?.hex)
    guard own.count == certificates.count else { return nil }
    return ids().lazy.compactMap(DeviceFields.id).first { !own.contains($0) }
  }

  /// The ID in a text: 64 hexadecimal digits, alone or at the end of an ARN.
  private static func id(_ text: String) -> String? {
    let digits = text.split(separator: "/").last?.lowercased() ?? ""
    return digits.utf8.count == 64 && digits.utf8.allSatisfy { $0.hexDigitValue != nil } ? digits : nil
  }

  /// The column or member that an attribute is to have its value from, and that does not exist; `nil` where all do.
  func missingColumn(_ options: InputOptions) -> String? {
    for case .column(let column) in options.attributes.map(\.source) where value(DeviceFields.plain(column)) == nil {
      return column
    }
    return nil
  }

  /// The attributes that the options ask for. Columns without a value bring none, and private keys are none.
  ///
  /// - Parameter certificates: The certificates of the device.
  func attributes(_ options: InputOptions, of certificates: [InputCertificate]) -> [DeviceAttribute] {
    if options.attributes.isEmpty { return [] }
    let keys = RawKey(certificates)
    return options.attributes.compactMap { rule in
      switch rule.source {
      case .value(let value): DeviceAttribute(name: rule.name, value: value)
      case .column(let column):
        DeviceFields.text(value(DeviceFields.plain(column))).flatMap { text in
          keys.isIn(text) ? nil : DeviceAttribute(name: rule.name, value: text)
        }
      }
    }
  }

  /// The value without what surrounds it; `nil` where it is empty or holds a certificate or a key.
  private static func text(_ value: String?) -> String? {
    guard let value else { return nil }
    let text = bare(value)
    return text.isEmpty || !Value.pieces(text.utf8).isEmpty ? nil : text
  }

  /// A name without what spreadsheets put around it so that it stays as it is: white space of any kind, `="0014"`, a link
  /// and an apostrophe in front of digits. Markdown has backticks around it, and word processors their quotation marks.
  static func bare(_ name: String) -> String {
    var text = trimmed(name.unicodeScalars[...])
    if text.starts(with: "=\"".unicodeScalars), text.last == "\"", text.count > 2 {
      text = trimmed(text.dropFirst(2).dropLast())
    }
    if let shown = shownByLink(text) { text = trimmed(shown) }
    for (open, close) in quotationMarks {
      guard let first = text.first, let last = text.last, open.contains(first), close.contains(last) else { continue }
      if text.count > 2 { text = trimmed(text.dropFirst().dropLast()) }
    }
    if text.first == "'", let next = text.dropFirst().first, ("0"..."9").contains(next) { text.removeFirst() }
    return String(Substring(text))
  }

  /// The marks that can stand around a name, and those behind it.
  private static let quotationMarks: [(open: String.UnicodeScalarView, close: String.UnicodeScalarView)] = [
    ("`", "`"), ("'", "'"), ("“”„«»", "“”«»"), ("‘’‚‹›", "‘’‹›"),
  ].map { ($0.unicodeScalars, $1.unicodeScalars) }

  /// The text that the formula `=HYPERLINK("https://example.com/7";"0007")` shows; `nil` for any other text.
  private static func shownByLink(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView? {
    let function = text.prefix(11)
    guard String(Substring(function)).uppercased() == "=HYPERLINK(", text.last == ")" else { return nil }
    let parts = text.dropFirst(function.count).split(separator: "\"", omittingEmptySubsequences: false)
    // The last text ends with the last quotation mark.
    return parts.count > 2 ? parts[parts.count - 2] : nil
  }

  private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
    var text = text
    while let first = text.first, isBlank(first) { text.removeFirst() }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  /// Byte-order marks, spaces without a width and marks of the direction of writing are white space to people.
  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || scalar.properties.generalCategory == .format
  }
}
