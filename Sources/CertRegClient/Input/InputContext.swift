import CertRegCrypto

/// What the readers of all forms need to know.
struct InputContext {
  /// The user's options.
  var options: InputOptions
  /// Certificates that may sign the entries of a Microchip manifest; empty: signatures are not checked.
  var signers: [SignerCertificate] = []
  /// Whether the source was found in a folder or an archive, which can contain other things.
  var wasFound = false
  /// Whether lines of the source have what an earlier run asked for, and whether that is asked for again.
  var keptRequests = KeptRequest.Origin.none
  /// What the source is if it is a text in which nothing is found.
  var textWithoutCertificate = OtherContent.text
  /// Whether the user asked to stop.
  var isInterrupted: () -> Bool = { false }
  /// How many encodings stand around the source: those of mails and base64.
  private(set) var encodingDepth = 0

  /// So many encodings are decoded, one in the other.
  private static let maximumEncodings = 3

  /// The context of a file in an archive or a mail.
  var ofMember: InputContext {
    var context = self
    context.wasFound = true
    context.options.format = nil
    return context
  }

  /// The context of what an encoding stands for.
  var ofEncoding: InputContext {
    var context = self
    context.encodingDepth += 1
    context.options.format = nil
    return context
  }

  /// Whether an encoding in the source is decoded.
  var takesEncoding: Bool { encodingDepth < InputContext.maximumEncodings }

  /// The entries for the pieces of one file, cell or member.
  ///
  /// - Parameters:
  ///   - place: Gives the place of a piece by its line.
  ///   - fields: The row or object with the device's name.
  func entries(_ pieces: [Piece], place: (Int) -> String, fields: DeviceFields? = nil) -> [InputEntry] {
    if pieces.isEmpty { return [] }
    let named = fields ?? DeviceFields(names: { [] }) { _ in nil }
    let certificates = fields == nil ? [] : pieces.compactMap(\.certificate)
    let name = named.name(options, of: certificates)
    let deviceID = if case .text(let text) = name { text } else { String?.none }
    let attributes = named.attributes(options, of: certificates)
    let otherID = keptRequests == .none ? named.otherID(than: certificates) : nil
    // Lines of failed entries have the attributes that they were asked for with.
    let missing = keptRequests == .none ? named.missingColumn(options) : nil
    let contents = DeviceChoice.contents(of: pieces, includesAuthorities: options.includesAuthorities)
    let entries = zip(pieces, contents).map { piece, content -> InputEntry in
      if !signers.isEmpty, case .certificate(let certificate) = content {
        if signers.contains(where: { $0.digest == certificate.id }) {
          return InputEntry(place: place(piece.line), .manifestSigner)
        }
        let error = InputError(.wrongSignature, "not an entry of a Microchip manifest, which --signer is for")
        return InputEntry(place: place(piece.line), deviceID: deviceID, error)
      }
      var entry = InputEntry(place: place(piece.line), deviceID: deviceID, content)
      if case .certificate(let certificate) = content {
        entry.attributes = attributes
        check(&entry, certificate)
        if let otherID { entry.content = .failure(.otherCertificate(otherID)) }
        if name == .unreadable { entry.content = .failure(InputError.unreadable("the device's name")) }
        if let missing {
          entry.refuse(InputError(.missingField, "no column or member \(missing), which --attribute names"))
        }
        // Folders and archives may have tables beside other files.
        if fields == nil, !wasFound, keptRequests == .none, let column = options.column {
          entry.refuse(noColumn(column))
        }
      }
      return entry
    }
    return InputContext.numbered(entries) + InputContext.lostNames(name, entries)
  }

  /// What stands in the place of the name of these entries, and is passed over.
  private static func lostNames(_ name: DeviceName, _ entries: [InputEntry]) -> [InputEntry] {
    guard let other = name.otherContent, let named = entries.first(where: \.isCertificateOrFailure) else { return [] }
    return [InputEntry(place: named.place, other)]
  }

  func noColumn(_ name: String) -> InputError {
    InputError(
      .missingField, "no certificate in a column or member \(name), which --column names",
      advice: "leave --column out, or name the heading or number of a column, or a member")
  }

  /// Numbers certificates that stand at one place, as those of PKCS#7 do.
  private static func numbered(_ entries: [InputEntry]) -> [InputEntry] {
    guard entries.count > 1 else { return entries }
    var counts: [String: Int] = [:]
    for entry in entries where entry.isCertificateOrFailure { counts[entry.place, default: 0] += 1 }
    var numbers: [String: Int] = [:]
    return entries.map { entry in
      guard entry.isCertificateOrFailure, counts[entry.place, default: 0] > 1 else { return entry }
      numbers[entry.place, default: 0] += 1
      var entry = entry
      entry.place += "#\(numbers[entry.place, default: 0])"
      return entry
    }
  }

  /// Fails an entry whose certificate does not fit the name of its device.
  private func check(_ entry: inout InputEntry, _ certificate: InputCertificate) {
    if let error = entry.deviceID.flatMap({ error(certificate, $0) }) { entry.refuse(error) }
  }

  /// Fails a certificate without a device's name, if the user asked for one.
  func checkName(of entry: inout InputEntry) {
    guard case .certificate = entry.content, entry.deviceID == nil else { return }
    if let column = options.nameColumn {
      entry.refuse(
        InputError(.missingField, "no device's name in a column or member \(column), which --name-column names"))
    } else if options.checksCommonName {
      entry.refuse(
        InputError(
          .missingField, "no device's name to compare the common name with (--check-cn)",
          advice: "name the column or member that has it: --name-column"))
    }
  }

  /// Compares a certificate with the name of its device.
  private func error(_ certificate: InputCertificate, _ deviceID: String) -> InputError? {
    if deviceID.unicodeScalars.count > DeviceFields.maximumNameCharacters {
      return InputError(
        .deviceName, "the device's name has more than \(DeviceFields.maximumNameCharacters) characters")
    }
    return options.checksCommonName ? InputContext.nameFault(certificate.commonName, of: deviceID) : nil
  }

  /// What `--check-cn` finds wrong with a common name; `nil` where it is the device's name.
  static func nameFault(_ commonName: String?, of deviceID: String) -> InputError? {
    guard commonName != deviceID else { return nil }
    let name = commonName.map { "the common name is \($0)" } ?? "the certificate has no common name"
    return InputError(.commonName, "\(name), and the device's name is \(deviceID)")
  }

  /// Names the only certificate among `entries` that an object around them names, if it has no name.
  func name(_ entries: inout ArraySlice<InputEntry>, _ fields: DeviceFields) {
    let indices = entries.indices.filter { entries[$0].isCertificateOrFailure }
    guard indices.count == 1, let index = indices.first, case .certificate(let certificate) = entries[index].content,
      entries[index].deviceID == nil
    else { return }
    let found = fields.name(options, of: [certificate])
    if found == .unreadable { entries[index].content = .failure(InputError.unreadable("the device's name")) }
    guard case .text(let name) = found else { return }
    entries[index].deviceID = name
    check(&entries[index], certificate)
  }
}
