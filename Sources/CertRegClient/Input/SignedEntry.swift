import CertRegCodec
import CertRegCore
import CertRegCrypto

/// What is signed with certificates in it, a JWS (RFC 7515). An entry of a Microchip manifest is one in JSON serialization
/// (section 7.2.2), whose `payload` lists the public keys of a chip and their certificates (`publicKeySet.keys[].x5c`,
/// device first, then its issuers). The certificates of another JWS are anywhere in its payload, or in its header (`x5c`).
struct SignedEntry {
  private let signed: JSON
  private let encoded: String
  private let content: JSON?

  /// - Returns: `nil` where the object is of another kind.
  init?(_ value: JSON) {
    guard let encoded = value["payload"]?.string else { return nil }
    signed = value
    self.encoded = encoded
    content = Base64.decodeAnyForm(encoded.utf8).flatMap { try? JSON(parsing: $0) }
    if content == nil, value["signature"] == nil, value["protected"] == nil, value["header"] == nil { return nil }
  }

  /// The entry in a cell or a line: an object, or a JWS in compact serialization; `nil` for any other text.
  init?(text: some Collection<UInt8>) {
    let text = PEMBlock.trimmed(Array(text)[...])
    if text.first == UInt8(ascii: "{") {
      guard Array(text).containsText("\"payload\""), let value = try? JSON(parsing: Array(text)) else { return nil }
      self.init(value)
    } else {
      guard let compact = SignedEntry.object(ofCompact: Array(text)) else { return nil }
      self.init(compact)
    }
  }

  /// The object that a JWS in compact serialization (RFC 7515 section 7.1) stands for; `nil` for any other text.
  static func object(ofCompact text: [UInt8]) -> JSON? {
    // Base64 of a brace, with a quotation mark, a space or the end of a line behind it.
    guard ["eyJ", "eyA", "ewo", "ew0"].contains(where: { text.starts(with: $0.utf8) }) else { return nil }
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].first == UInt8(ascii: "e"), parts.allSatisfy({ $0.allSatisfy(isURLDigit) }),
      let header = Base64.decodeAnyForm(parts[0]), (try? JSON(parsing: header))?.members != nil
    else { return nil }
    return .object(
      zip(["protected", "payload", "signature"], parts).map {
        JSON.Member($0, .string(String(decoding: $1, as: UTF8.self)))
      })
  }

  /// Whether a byte is a character of base64url without padding (RFC 7515 section 2).
  private static func isURLDigit(_ byte: UInt8) -> Bool {
    Base64.values[Int(byte)] < 62 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  /// The payload, unless it is that of a manifest.
  var otherContent: JSON? {
    content?["publicKeySet"] == nil && content?["version"]?.integer != 2 ? content : nil
  }

  /// What the cell or line with the entry holds.
  var pieces: [Piece] {
    let secrets = keys.filter(SignedEntry.isPrivate).map { _ in Piece.rawKey }
    return groups.joined() + signerPieces + secrets
  }

  /// The entries: the device's certificate of each key, and its issuers.
  ///
  /// - Parameters:
  ///   - fields: What stands beside the entry.
  ///   - isFirst: Whether the names there go before those in the entry.
  func entries(_ place: String, _ context: InputContext, beside fields: DeviceFields, isFirst: Bool = false)
    -> [InputEntry]
  {
    let signer = signerDigest.flatMap(CertificateID.init(bytes:))
    return uncheckedEntries(place, context, beside: fields, isFirst: isFirst).map { entry in
      var entry = entry
      entry.isSigned = true
      entry.manifestSigner = signer
      return entry
    }
  }

  /// The members of the protected header.
  private var parameters: JSON? {
    signed["protected"]?.string.flatMap { Base64.decodeAnyForm($0.utf8) }.flatMap { try? JSON(parsing: $0) }
  }

  /// The digest of the signer's certificate (RFC 7515 section 4.1.8).
  private var signerDigest: [UInt8]? {
    parameters?["x5t#S256"]?.string.flatMap { Base64.decodeAnyForm($0.utf8) }
  }

  private var keys: [JSON] { content?["publicKeySet"]?["keys"]?.array ?? [] }

  private static func isPrivate(_ key: JSON) -> Bool { key["d"]?.string != nil }

  /// The certificates of the signer in the header (RFC 7515 section 4.1.6).
  private var headerCertificates: [String] {
    (parameters?["x5c"] ?? signed["header"]?["x5c"])?.array?.compactMap(\.string) ?? []
  }

  /// The signer's certificates, where they are not those of the device.
  private var signerPieces: [Piece] {
    if payloadGroups.isEmpty, otherContent != nil { return [] }
    return headerCertificates.map { _ in Piece(line: 1, content: .otherContent(.manifestSigner)) }
  }

  /// The pieces of the payload, or else of the signer, which is the device.
  private var groups: [[Piece]] {
    let groups = payloadGroups
    guard groups.isEmpty, otherContent != nil, !headerCertificates.isEmpty else { return groups }
    return [SignedEntry.pieces(ofChain: headerCertificates)]
  }

  /// The pieces of each key in a manifest, or of all in another payload.
  private var payloadGroups: [[Piece]] {
    let groups =
      otherContent.map { [SignedEntry.pieces(in: $0)] }
      ?? keys.map { SignedEntry.pieces(ofChain: ($0["x5c"]?.array ?? []).compactMap(\.string)) }
    return groups.filter { !$0.isEmpty }
  }

  private static func pieces(ofChain chain: [String]) -> [Piece] {
    chain.enumerated().flatMap { pieces($1, isDevice: $0 == 0) }
  }

  private static func pieces(in value: JSON) -> [Piece] {
    if let text = value.string { return Value.pieces(text.utf8) }
    if value["kty"] != nil, isPrivate(value) { return [.rawKey] }
    return (value.array ?? value.members?.map(\.value) ?? []).flatMap(pieces(in:))
  }

  private func uncheckedEntries(_ place: String, _ context: InputContext, beside others: DeviceFields, isFirst: Bool)
    -> [InputEntry]
  {
    // The header is not signed.
    let header = context.signers.isEmpty ? signed["header"] : nil
    let device = content?["uniqueId"]?.string ?? header?["uniqueId"]?.string
    guard let content else {
      return [InputEntry(place: place, deviceID: device, InputError(.noCertificate, "its payload cannot be read"))]
    }
    if !context.signers.isEmpty, let fault = fault(signed, payload: encoded, context.signers) {
      return [InputEntry(place: place, deviceID: device, InputError(.wrongSignature, fault))]
    }
    var context = context
    context.signers = []
    let level = JSONFields.Level(content)
    let own = NameHeading.of("uniqueId").flatMap { heading in
      device.map { DeviceFields.Named(heading: heading, text: $0) }
    }
    let inside = DeviceFields(names: { [own].compactMap { $0 } + level.names }) { plain in
      plain == "uniqueid" ? device : level.texts[plain] ?? nil
    }
    let fields = (isFirst ? DeviceFields(others, orElse: inside) : DeviceFields(inside, orElse: others)).settled
    let secrets = keys.filter(SignedEntry.isPrivate).map { _ in InputEntry(place: place, .privateKey) }
    let entries = groups.flatMap { context.entries($0, place: { _ in place }, fields: fields) }
    if entries.isEmpty {
      let error = SignedEntry.missing(content)
      return [InputEntry(place: place, deviceID: fields.deviceID(context.options), error)] + secrets
    }
    return entries + signerPieces.map { _ in InputEntry(place: place, .manifestSigner) } + secrets
  }

  /// The pieces of an element of `x5c` (RFC 7517 section 4.7). The first one is the device's; what cannot be read
  /// fails.
  private static func pieces(_ text: String, isDevice: Bool) -> [Piece] {
    let pieces = Value.pieces(text.utf8)
    if !pieces.isEmpty { return isDevice ? pieces : pieces.map(asIssuer) }
    if let der = Base64.decodeAnyForm(text.utf8), der.first == 0x30 {
      let found = Piece.pieces(ofDER: der)
      return isDevice ? found : found.map(asIssuer)
    }
    let error = InputError(.noCertificate, "an element of x5c is not base64 of a certificate")
    return [Piece(line: 1, content: isDevice ? .damaged(error) : .otherContent(.issuer))]
  }

  private static func asIssuer(_ piece: Piece) -> Piece {
    guard let certificate = piece.certificate else { return piece }
    let isAuthority = certificate.outline?.isAuthority == true
    return Piece(line: piece.line, content: .otherContent(isAuthority ? .authority : .issuer))
  }

  private static func missing(_ content: JSON) -> InputError {
    guard content["version"]?.integer == 2, content["publicKeySet"] == nil else {
      return InputError(.noCertificate, "none of its keys has a certificate (x5c)")
    }
    return InputError(
      .noCertificate, "a manifest of version 2, which names the chip and has neither keys nor certificates",
      advice:
        "the certificates are in the chips: read them with cryptoauthlib (tng_atcacert_read_device_cert), or download the "
        + "order's manifest with certificates from Microchip")
  }

  /// What is wrong with the signature; `nil` for a signature of one of the signers.
  private func fault(_ signed: JSON, payload: String, _ signers: [SignerCertificate]) -> String? {
    guard let protected = signed["protected"]?.string, let header = Base64.decodeAnyForm(protected.utf8),
      let parameters = try? JSON(parsing: header), let text = signed["signature"]?.string,
      let signature = Base64.decodeAnyForm(text.utf8)
    else { return "not signed" }
    guard parameters["alg"]?.string == "ES256", parameters["crit"] == nil else {
      return "not signed with ES256"
    }
    let candidates = signers.filter { signer in signerDigest.map { $0 == signer.digest.bytes } ?? true }
    guard !candidates.isEmpty else { return "signed by a certificate that was not given with --signer" }
    let message = Array("\(protected).\(payload)".utf8)
    return candidates.contains { $0.verifies(signature, of: message) } ? nil : "the signature does not match"
  }
}
