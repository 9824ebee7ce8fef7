import CertRegCodec

/// Finds the certificates in a JSON value: in the members with usual names, in any other string, in nested objects, and
/// in the payload of a Microchip manifest.
struct JSONWalker {
  /// The strings of an object, by the member that holds them.
  private struct Found {
    var member: String
    var path: String
    var pieces: [Piece]
  }

  private static let maximumDepth = 16

  private let context: InputContext

  init(_ context: InputContext) {
    self.context = context
  }

  /// What is found in a value.
  func entries(_ value: JSON, _ place: String, parents: JSONFields) -> [InputEntry] {
    var entries: [InputEntry] = []
    walk(value, place, "", parents: parents, depth: 0, &entries)
    return entries
  }

  /// The entries of a value.
  ///
  /// - Parameter parents: The members around it.
  func sighting(_ value: JSON, _ place: String, parents: JSONFields) -> Sighting {
    if value.members?.isEmpty == true || value.isNull { return Sighting(InputEntry(place: place, .emptyRow)) }
    let entries = entries(value, place, parents: parents)
    if !entries.contains(where: \.isCertificateOrFailure), !entries.contains(where: { $0.content.needsNoDevice }) {
      let fields = parents.within(value).fields
      let error = missing(value, entries.first)
      return Sighting(InputEntry(place: place, deviceID: fields.deviceID(context.options), error), entries)
    }
    return Sighting(entries, orElse: InputEntry(place: place, .json))
  }

  private func missing(_ value: JSON, _ first: InputEntry?) -> InputError {
    if case .passedOver(let other)? = first?.content { return context.error(for: other) }
    return InputError(.noCertificate, "no member has a certificate")
  }

  private func walk(
    _ value: JSON, _ place: String, _ path: String, parents: JSONFields, depth: Int, _ entries: inout [InputEntry]
  ) {
    guard depth < JSONWalker.maximumDepth else {
      let error = InputError(
        .noCertificate, "values are nested more than \(JSONWalker.maximumDepth) deep, and not looked at")
      entries.append(InputEntry(place: JSONWalker.place(place, path), error))
      return
    }
    let value = JSONWalker.unwrapped(value)
    switch value {
    case .string(let text):
      let pieces = Value.pieces(text.utf8)
      entries += context.entries(pieces, place: { _ in place }, fields: parents.fields)
    case .array(let values):
      let texts = JSONWalker.strings(value)
      if texts.count == 1, values.count > 1 {
        return walk(.string(texts[0]), place, path, parents: parents, depth: depth, &entries)
      }
      if let texts = JSONLog.texts(of: values) {
        for text in texts { walk(.string(text), place, path, parents: parents, depth: depth, &entries) }
        return
      }
      let isList = parents.isOfDevices || values.lazy.filter { $0.members != nil }.prefix(2).count > 1
      let count = entries.count
      let around = parents.around(isList: isList)
      for (index, element) in values.enumerated() {
        walk(element, place, "\(path)[\(index + 1)]", parents: around, depth: depth + 1, &entries)
      }
      // The parts of a chain can be objects.
      if isList, !parents.isOfDevices { context.name(&entries[count...], parents.fields) }
    case .object(let members):
      if members.contains(where: { $0.name == "payload" && $0.value.string != nil }),
        let signed = SignedEntry(value)
      {
        return walk(signed, place, path, parents: parents, depth: depth, &entries)
      }
      object(value, members, place, path, parents: parents, depth: depth, &entries)
    default: return
    }
  }

  /// The entries of a manifest, or of what another JWS has for its payload.
  private func walk(
    _ signed: SignedEntry, _ place: String, _ path: String, parents: JSONFields, depth: Int,
    _ entries: inout [InputEntry]
  ) {
    let count = entries.count
    if let content = signed.otherContent {
      walk(content, place, path, parents: parents, depth: depth + 1, &entries)
    }
    if entries.count == count { entries += signed.entries(place, context, beside: parents.fields) }
  }

  private func object(
    _ value: JSON, _ members: [JSON.Member], _ place: String, _ path: String, parents: JSONFields,
    depth: Int, _ entries: inout [InputEntry]
  ) {
    if value["kty"]?.string != nil, value["d"]?.string != nil {
      entries.append(InputEntry(place: JSONWalker.place(place, path), .privateKey))
    }
    let count = entries.count
    let levels = parents.within(value)
    let isFailedEntry = context.keptRequests != .none && path.isEmpty
    let kept = context.keptRequests == .none ? nil : KeptRequest(value)
    var found: [Found] = []
    var nested: [(member: String, path: String, value: JSON)] = []
    var others: [(member: String, path: String, text: String)] = []
    for member in members {
      if kept != nil, member.name == KeptRequest.attributesMember { continue }
      if isFailedEntry, member.name == KeptRequest.messageMember { continue }
      let inner = path.isEmpty ? member.shownName : "\(path).\(member.shownName)"
      let value = JSONWalker.unwrapped(member.value.withoutType)
      let pieces = JSONWalker.bytes(value) ?? JSONWalker.strings(value).flatMap { Value.pieces($0.utf8) }
      if !pieces.isEmpty {
        found.append(Found(member: DeviceFields.plain(member.name), path: inner, pieces: pieces))
      } else if value.members != nil || value.array != nil {
        nested.append((DeviceFields.plain(member.name), inner, value))
      } else if let text = value.string {
        others.append((DeviceFields.plain(member.name), inner, text))
      }
    }
    let keys = RawKey(found.flatMap(\.pieces).compactMap(\.certificate))
    for (member, path, text) in others where RawKey.isKey(text, under: member) || keys.belongs(text) {
      found.append(Found(member: member, path: path, pieces: [.rawKey]))
    }
    // A certificate with a usual name has the name of the device. Those of objects within have names of their own.
    let isNamed = found.contains { member in
      DeviceFields.certificateHeadings.contains(member.member) && member.pieces.contains(where: \.isOfDevice)
    }
    let inner = isNamed ? levels.around(isList: true) : levels
    for (member, path, value) in nested {
      walk(value, place, path, parents: inner.around(member: member), depth: depth + 1, &entries)
    }
    let fields = levels.fields
    entries += self.entries(found, place, fields)
    if let kept { repeatRequest(kept, for: &entries[count...]) }
    if entries.count == count, value["certificateArn"]?.string != nil {
      entries.append(
        InputEntry(place: JSONWalker.place(place, path), deviceID: fields.deviceID(context.options), JSONWalker.onlyARN)
      )
    }
  }

  /// Lets certificates be asked for as in an earlier run.
  private func repeatRequest(_ kept: KeptRequest, for entries: inout ArraySlice<InputEntry>) {
    for index in entries.indices {
      guard case .certificate = entries[index].content else { continue }
      if context.keptRequests == .own {
        kept.apply(to: &entries[index])
      } else {
        entries[index].content = .failure(KeptRequest.isForeign)
      }
    }
  }

  private static let onlyARN = InputError(
    .noCertificate, "no certificate, only its ARN",
    advice: "aws iot describe-certificate --certificate-id ID gives the certificate")

  /// The value that a string stands for: messages of queues and answers of functions have JSON in a string, or in base64
  /// of it. Any other value stays what it is.
  private static func unwrapped(_ value: JSON) -> JSON {
    guard let text = value.string?.utf8, text.count > 64 else { return value }
    if let compact = SignedEntry.object(ofCompact: Array(text)) { return compact }
    let isEncoded = text.starts(with: "ey".utf8)
    guard let inner = isEncoded ? Value.decoded(Array(text)) : Array(text),
      let first = inner.first(where: { !Base64.isWhiteSpace($0) }),
      first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
      let parsed = try? JSON(parsing: inner), parsed.members != nil || parsed.array?.first?.members != nil
    else { return value }
    return parsed
  }

  /// The strings of a member: itself, or the elements of an array of strings. The lines of blocks are one text.
  private static func strings(_ value: JSON) -> [String] {
    if let text = value.string { return [text] }
    let texts = (value.array ?? []).compactMap(\.string)
    // Entries of a manifest are objects.
    guard texts.count == value.array?.count, texts.first.flatMap({ SignedEntry(text: $0.utf8) }) == nil else {
      return []
    }
    return isLines(texts) ? [texts.joined(separator: "\n")] : texts
  }

  /// What an array of bytes is, as JavaScript and Python print them; `nil` for anything else.
  private static func bytes(_ value: JSON) -> [Piece]? {
    guard let numbers = value.array ?? indexed(value), numbers.count > 16,
      [.number("48"), .number("45")].contains(numbers[0])
    else { return nil }
    var bytes: [UInt8] = []
    for case .number(let text) in numbers {
      guard let number = Int(text), (-128...255).contains(number) else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: number))
    }
    guard bytes.count == numbers.count else { return nil }
    // SEQUENCEs and hyphens.
    return bytes[0] == 0x30 ? Piece.pieces(ofDER: bytes) : Value.pieces(bytes)
  }

  /// The members of an array of bytes as browsers print it, `{"0": 48, "1": 130}`; `nil` for anything else.
  private static func indexed(_ value: JSON) -> [JSON]? {
    guard let members = value.members, members.first?.name == "0" else { return nil }
    return members.enumerated().allSatisfy { $1.name == String($0) } ? members.map(\.value) : nil
  }

  /// Whether texts are the lines of a text with blocks: none has a whole one.
  private static func isLines(_ texts: [String]) -> Bool {
    guard texts.count > 1 else { return false }
    var begins = false
    for text in texts {
      let bytes = Array(text.utf8)
      guard bytes.containsText("-BEGIN ") else { continue }
      begins = true
      if bytes.containsText("-END ") { return false }
    }
    return begins
  }

  private func entries(_ found: [Found], _ place: String, _ fields: DeviceFields) -> [InputEntry] {
    let chosen = chosenMembers(found)
    var main: [Piece] = []
    var paths: [String] = []
    var others: [InputEntry] = []
    for member in found {
      for piece in member.pieces {
        if chosen.contains(member.member) || piece.certificate?.outline?.isAuthority == true {
          main.append(Piece(line: main.count, content: piece.content))
          paths.append(member.path)
        } else {
          others.append(InputEntry(place: JSONWalker.place(place, member.path), DeviceChoice.otherContent(piece)))
        }
      }
    }
    var entries = context.entries(
      main, place: { main.count == 1 ? place : JSONWalker.place(place, paths[$0]) }, fields: fields)
    // The member of a key that stands in the place of the name is mentioned once.
    if found.contains(where: { $0.pieces == [.rawKey] }), entries.count > main.count,
      entries.last?.content == .passedOver(.privateKey)
    {
      entries.removeLast()
    }
    entries = named(entries, paths)
    let isOnlyOne = main.count > 1 && entries.count(where: \.isCertificateOrFailure) == 1
    return entries.map { entry in
      var entry = entry
      // A certificate is named by its element alone.
      if isOnlyOne, case .certificate = entry.content { entry.place = place }
      return entry
    } + others
  }

  /// Leaves the name of a device to one of several certificates beside each other: to the one whose common name it is.
  /// Where that tells nothing, the user has to say which member has the device's certificate.
  private func named(_ entries: [InputEntry], _ paths: [String]) -> [InputEntry] {
    let own = entries.indices.filter { index in
      if case .certificate = entries[index].content { entries[index].deviceID != nil } else { false }
    }
    guard Set(own.map { entries[$0].content }).count > 1 else { return entries }
    var entries = entries
    let owners = Set(
      own.filter { index in
        guard case .certificate(let certificate) = entries[index].content else { return false }
        return certificate.commonName == entries[index].deviceID
      })
    let members = Set(own.map { paths[$0] })
    for index in own where !owners.contains(index) {
      if owners.isEmpty, members.count > 1 {
        entries[index].refuse(JSONWalker.sharedName)
      } else {
        entries[index].deviceID = nil
      }
    }
    return entries
  }

  private static let sharedName = InputError(
    .notSelected, "several members hold certificates of devices, beside one name of a device",
    advice: "name one of them with --column")

  /// The members whose certificates are taken: the one that the user named, those with usual names, or all.
  private func chosenMembers(_ found: [Found]) -> Set<String> {
    if let column = context.options.column { return [DeviceFields.plain(column)] }
    let withCertificates = found.filter { $0.pieces.contains { $0.certificate != nil } }.map(\.member)
    // The usual name does not make an authority a device.
    let ofDevices = found.filter { $0.pieces.contains(where: \.isOfDevice) }.map(\.member)
    let usual = (ofDevices.isEmpty ? withCertificates : ofDevices).filter(DeviceFields.certificateHeadings.contains)
    return Set(usual.isEmpty ? found.map(\.member) : usual)
  }

  private static func place(_ place: String, _ path: String) -> String {
    path.isEmpty ? place : "\(place) \(path)"
  }
}

extension InputEntry {
  /// Whether the entry is a certificate to send, or says why there is none.
  var isCertificateOrFailure: Bool {
    if case .passedOver = content { false } else { true }
  }
}

extension InputEntry.Content {
  /// Whether this is a key, a request or the certificate of an authority, which needs no device beside it.
  var needsNoDevice: Bool {
    guard case .passedOver(let other) = self else { return false }
    return other.isSecret || [.authority, .issuer, .certificateRequest].contains(other)
  }
}
