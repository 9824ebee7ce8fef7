import CertRegCodec
import CertRegCore

/// What the header of a mail or of a part tells.
struct MailHeaders {
  private var values: [String: String] = [:]

  /// - Parameter text: A text that begins with a header. `nil`: it does not.
  init?(_ text: ArraySlice<UInt8>) {
    var name: String?
    var isBehind = false
    for line in text.drop(while: { $0 == 0x0A }).split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line.isEmpty {
        isBehind = true
        break
      }
      if line[line.startIndex] == 0x20 || line[line.startIndex] == 0x09 {
        guard let name else { return nil }
        values[name, default: ""] += " " + TextEncoding.string(PEMBlock.trimmed(line))
      } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), MailHeaders.isName(line[..<colon]) {
        let plain = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        values[plain] = TextEncoding.string(PEMBlock.trimmed(line[(colon + 1)...]))
        name = plain
      } else {
        // The line that separates the mails of a mailbox.
        guard name == nil, line.starts(with: "From ".utf8) else { return nil }
      }
    }
    guard isBehind else { return nil }
  }

  private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { Base64.values[Int($0)] < 62 || $0 == UInt8(ascii: "-") }
  }

  private var encoding: String { values["content-transfer-encoding"]?.lowercased() ?? "" }

  /// Whether it is the header of a mail whose content is not the text itself.
  var isEncoded: Bool { boundary != nil || encoding == "base64" || encoding == "quoted-printable" }

  /// What separates the parts; `nil` where there are none.
  var boundary: [UInt8]? {
    guard let type = values["content-type"], type.lowercased().hasPrefix("multipart/") else { return nil }
    return parameter("boundary", of: type).map { Array($0.utf8) }
  }

  /// The name of an attached file.
  var fileName: String? {
    values["content-disposition"].flatMap { parameter("filename", of: $0) }
      ?? values["content-type"].flatMap { parameter("name", of: $0) }
  }

  /// Whether the part is the signature of the mail, which brings the certificate of its author.
  var isSignature: Bool {
    let type = values["content-type"]?.lowercased() ?? ""
    return type.hasPrefix("application/pkcs7-signature") || type.hasPrefix("application/x-pkcs7-signature")
  }

  private func parameter(_ name: String, of value: String) -> String? {
    for part in value.split(separator: ";").dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, DeviceFields.bare(String(pair[0])).lowercased() == name else { continue }
      let text = DeviceFields.bare(String(pair[1])).filter { $0 != "\"" }
      return text.isEmpty ? nil : text
    }
    return nil
  }

  /// The content of a part; `nil` where its encoding is damaged.
  func decoded(_ body: [UInt8]) -> [UInt8]? {
    switch encoding {
    case "base64": Base64.decodeAnyForm(body)
    case "quoted-printable": MailHeaders.unquoted(body)
    default: body
    }
  }

  /// Quoted-printable (RFC 2045 section 6.7).
  private static func unquoted(_ body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(body.count)
    var index = 0
    while index < body.count {
      if body[index] == UInt8(ascii: "=") {
        let digits = body[(index + 1)...].prefix(2)
        if digits.first == 0x0A {
          index += 2
          continue
        }
        let values = digits.compactMap(\.hexDigitValue)
        if values.count == 2 {
          result.append(values[0] << 4 | values[1])
          index += 3
          continue
        }
      }
      result.append(body[index])
      index += 1
    }
    return result
  }
}
