import CertRegCodec
import CertRegCore
import CertRegCrypto

/// Reads JSON lines: on each line an object with a certificate, or a string that is one.
package struct JSONLinesSource: ImportSource {
  private static let certificateNames = ["certificatePem", "certificate", "cert", "pem", "deviceCertificate"]
  private static let deviceNames = ["thingName", "uniqueId", "serialNumber", "deviceId", "name", "id"]

  private let stream: ByteStream
  private let fileName: String
  private let column: String?
  private var line = 0

  /// - Parameter column: The name of the member with the certificate; `nil`: the usual names are tried.
  init(stream: ByteStream, fileName: String, column: String?) {
    self.stream = stream
    self.fileName = fileName
    self.column = column
  }

  package var fraction: Double? { stream.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    while let text = try stream.nextLine() {
      line += 1
      guard text.contains(where: { !Base64.isWhiteSpace($0) }) else { continue }
      return entry(text)
    }
    return nil
  }

  private func entry(_ text: [UInt8]) -> ImportEntry {
    let place = "\(fileName):\(line)"
    let json: JSON
    do throws(SyntaxFault) {
      json = try JSON(parsing: text)
    } catch {
      return ImportEntry(name: place, error: InputError(.noCertificate, "not JSON: \(error.expectation)"))
    }
    let device = JSONLinesSource.deviceNames.lazy.compactMap { json[$0]?.string }.first
    let name = device.map { "\(place) \($0)" } ?? place
    let names = column.map { [$0] } ?? JSONLinesSource.certificateNames
    guard let certificate = json.string ?? names.lazy.compactMap({ json[$0]?.string }).first else {
      return ImportEntry(
        name: name, error: InputError(.noCertificate, "no member \(names.joined(separator: ", ")) with a string"))
    }
    return ImportEntry(name: name, text: certificate)
  }
}

/// Reads a Microchip manifest: an array of signed objects (JWS JSON serialization, RFC 7515 section 7.2.2), each with a `payload` that
/// lists public keys and their certificates (`publicKeySet.keys[].x5c`, device first, then its issuers).
package struct MicrochipSource: ImportSource {
  private var elements: JSONArrayElements
  private let fileName: String
  private let signers: [SignerCertificate]
  private var number = 0
  private var ready: [ImportEntry] = []

  /// - Parameter signers: The certificates that may sign entries; empty: signatures are not checked.
  /// - Throws: `InputError` where the text does not begin with an array.
  init(stream: ByteStream, fileName: String, signers: [SignerCertificate]) throws(InputError) {
    elements = try JSONArrayElements(stream: stream)
    self.fileName = fileName
    self.signers = signers
  }

  package var fraction: Double? { elements.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    while ready.isEmpty {
      guard let element = try elements.next() else { return nil }
      number += 1
      ready = entries(of: element).reversed()
    }
    return ready.popLast()
  }

  private func entries(of element: [UInt8]) -> [ImportEntry] {
    let place = "\(fileName)[\(number)]"
    guard let signed = try? JSON(parsing: element), let encoded = signed["payload"]?.string,
      let payload = Base64.decodeAnyForm(encoded.utf8), let content = try? JSON(parsing: payload)
    else {
      return [ImportEntry(name: place, error: InputError(.noCertificate, "its payload cannot be read"))]
    }
    let device = content["uniqueId"]?.string ?? signed["header"]?["uniqueId"]?.string
    let name = device.map { "\(place) \($0)" } ?? place
    if !signers.isEmpty, let fault = fault(signed, payload: encoded) {
      return [ImportEntry(name: name, error: InputError(.wrongSignature, fault))]
    }
    let keys = content["publicKeySet"]?["keys"]?.array ?? []
    let certificates = keys.compactMap { $0["x5c"]?.array?.first?.string }
    guard !certificates.isEmpty else {
      return [ImportEntry(name: name, error: InputError(.noCertificate, "none of its keys has a certificate (x5c)"))]
    }
    return certificates.map { ImportEntry(name: name, text: $0) }
  }

  /// What is wrong with an entry's signature; `nil` for a signature of one of the signers.
  private func fault(_ signed: JSON, payload: String) -> String? {
    guard let protected = signed["protected"]?.string, let header = Base64.decodeAnyForm(protected.utf8),
      let parameters = try? JSON(parsing: header), let text = signed["signature"]?.string,
      let signature = Base64.decodeAnyForm(text.utf8)
    else { return "not signed" }
    guard parameters["alg"]?.string == "ES256", parameters["crit"] == nil else {
      return "not signed with ES256"
    }
    let named = parameters["x5t#S256"]?.string.flatMap { Base64.decodeAnyForm($0.utf8) }
    let candidates = signers.filter { signer in named.map { $0 == signer.digest.bytes } ?? true }
    guard !candidates.isEmpty else { return "signed by a certificate that was not given with --signer" }
    let message = Array("\(protected).\(payload)".utf8)
    return candidates.contains { $0.verifies(signature, of: message) } ? nil : "the signature does not match"
  }
}

/// Splits a JSON array that is too large for memory into its elements.
struct JSONArrayElements {
  private let stream: ByteStream
  private var hasEnded = false

  /// - Throws: `InputError` where the text does not begin with an array.
  init(stream: ByteStream) throws(InputError) {
    self.stream = stream
    try skipSpace()
    guard try stream.next() == UInt8(ascii: "[") else { throw InputError(.noCertificate, "no JSON array") }
  }

  var fraction: Double? { stream.fraction }

  /// The text of the next element; `nil` at the end of the array.
  ///
  /// - Throws: `InputError` where the array is truncated.
  mutating func next() throws(InputError) -> [UInt8]? {
    guard !hasEnded else { return nil }
    var element: [UInt8] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    while let byte = try stream.next() {
      if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "]") where depth == 0:
          hasEnded = true
          return element.contains { !Base64.isWhiteSpace($0) } ? element : nil
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        case UInt8(ascii: ",") where depth == 0:
          return element
        default: break
        }
      }
      element.append(byte)
      guard element.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
    }
    throw InputError(.unreadable, "the JSON array breaks off: the file is not complete")
  }

  private func skipSpace() throws(InputError) {
    if try stream.peek(3).elementsEqual([0xEF, 0xBB, 0xBF]) { for _ in 0..<3 { _ = try stream.next() } }
    while let byte = try stream.peek(), Base64.isWhiteSpace(byte) { _ = try stream.next() }
  }
}
