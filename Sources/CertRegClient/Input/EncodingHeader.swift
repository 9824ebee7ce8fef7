import CertRegCodec
import CertRegCore

/// How an encoding begins that is written in digits of base64 or hexadecimal. The header of DER tells its length.
struct EncodingHeader {
  /// The digits that the encoding takes, without padding; `nil` for an encoded text, which ends with its digits.
  let neededDigits: Int?
  /// Whether nothing else begins so: a certificate, a bundle or a PEM block.
  let isCertain: Bool
  /// Whether the digits are hexadecimal.
  let isHexadecimal: Bool

  /// Of DER so many bytes tell everything.
  private static let headerBytes = 12
  private static let hyphens = Array("LS0t".utf8)
  private static let boundary = Array("LS0tLS1CRUdJTi".utf8)
  /// The beginnings of DER and of PEM that are encoded twice, as in secrets of Kubernetes.
  private static let encodedTwice = [Array("TUl".utf8), Array("TFMwd".utf8)]

  /// - Parameter digits: The digits, from the first one on. `nil`: neither a SEQUENCE nor a text with boundaries begins
  ///   so.
  init?(_ digits: ArraySlice<UInt8>) {
    if digits.starts(with: EncodingHeader.hyphens) || EncodingHeader.encodedTwice.contains(where: digits.starts) {
      neededDigits = nil
      isCertain = digits.starts(with: EncodingHeader.boundary)
      isHexadecimal = false
      return
    }
    if EncodingHeader.beginsBlock(digits) {
      (neededDigits, isCertain, isHexadecimal) = (nil, true, true)
      return
    }
    if EncodingHeader.beginsText(digits) {
      (neededDigits, isCertain, isHexadecimal) = (nil, false, false)
      return
    }
    let head = digits.prefix(2 * EncodingHeader.headerBytes)
    isHexadecimal = head.starts(with: [0x33, 0x30]) && head.allSatisfy { $0.hexDigitValue != nil }
    guard isHexadecimal || head.first == UInt8(ascii: "M") else { return nil }
    let bytes = isHexadecimal ? EncodingHeader.bytes(ofDigits: head) : Base64.decodeAnyForm(head.prefix(16)) ?? []
    guard bytes.count >= (isHexadecimal ? 7 : 8), bytes[0] == 0x30,
      let length = DERElements.declaredLength(bytes[...])
    else { return nil }
    neededDigits = isHexadecimal ? length * 2 : (length * 4 + 2) / 3
    isCertain =
      DERRun.beginsAsCertificate(bytes[...]) || bytes[1] > 0x80 && bytes.dropFirst(4).starts(with: [0x06, 0x09])
  }

  /// `-----B` in hexadecimal digits.
  private static let hexadecimalBoundary = Array("2d2d2d2d2d42".utf8)

  /// Whether hexadecimal digits of a PEM block begin.
  static func beginsBlock(_ digits: ArraySlice<UInt8>) -> Bool {
    digits.count >= hexadecimalBoundary.count
      && zip(digits, hexadecimalBoundary).allSatisfy { $0 == $1 || $0 | 0x20 == $1 }
  }

  /// Whether base64 of a text begins, as where other text stands in front of a block.
  private static func beginsText(_ digits: ArraySlice<UInt8>) -> Bool {
    let head = digits.prefix(32)
    guard head.count == 32, head.first != UInt8(ascii: "M"), let bytes = Base64.decodeAnyForm(head) else {
      return false
    }
    let plain = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    return (TextEncoding.text(of: plain) ?? plain).allSatisfy { (0x20...0x7E).contains($0) || Base64.isWhiteSpace($0) }
  }

  private static func bytes(ofDigits digits: ArraySlice<UInt8>) -> [UInt8] {
    let values = digits.compactMap(\.hexDigitValue)
    return stride(from: 0, to: values.count - 1, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}
