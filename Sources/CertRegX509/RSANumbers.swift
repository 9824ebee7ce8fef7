/// An RSAPublicKey (RFC 8017 appendix A.1.1) as it is encoded: with the signs and the forms that OpenSSL passes over.
struct RSANumbers {
  let modulus: ArraySlice<UInt8>
  let exponent: ArraySlice<UInt8>
  /// What is wrong with the encoding, in words that follow "the RSA public key"; `nil` if it is DER and nothing follows
  /// it.
  let encodingFault: String?

  /// Reads the content of a key's BIT STRING; `nil` if it does not begin with a SEQUENCE of two INTEGERs.
  init?(_ encoded: [UInt8]) {
    do throws(DERReader.Fault) {
      var key = DERReader(encoded)
      let sequence = try key.next(DERTag.sequence)
      var numbers = key.inside(sequence)
      let elements = [try numbers.next(DERTag.integer), try numbers.next(DERTag.integer)]
      modulus = encoded[elements[0].content]
      exponent = encoded[elements[1].content]
      if !key.isAtEnd {
        encodingFault = "is followed by \(key.end - key.position) bytes inside its BIT STRING; none may follow"
      } else if !sequence.isMinimal || !elements.allSatisfy({ RSANumbers.isShortest($0, in: encoded) }) {
        encodingFault = "has a length or number that takes more bytes than it needs; DER is required"
      } else {
        encodingFault = nil
      }
    } catch { return nil }
  }

  /// The numbers of a key that OpenSSL reads and the other initialiser does not, because it is encoded in BER. They
  /// have no signs.
  init(_ key: borrowing OpenSSLRSAKey) {
    modulus = [0] + key.modulus
    exponent = [0] + key.exponent
    encodingFault = "is encoded in BER; DER is required"
  }

  /// Whether an INTEGER has the one form that DER allows (X.690 sections 8.3.2 and 10.1).
  private static func isShortest(_ integer: DERReader.Element, in encoded: [UInt8]) -> Bool {
    let octets = encoded[integer.content].prefix(2)
    guard integer.isMinimal, let first = octets.first else { return false }
    guard octets.count == 2, let second = octets.last else { return true }
    return first == 0 ? second >= 0x80 : first != 0xff || second < 0x80
  }

  /// Whether the modulus is divisible by two, so that it is no product of two odd primes.
  var hasEvenModulus: Bool { (modulus.last ?? 0) & 1 == 0 }

  /// The rule of RFC 8017 section 3.1 that the signs or the exponent break; `nil` if they break none.
  var oddity: String? {
    if (modulus.first ?? 0) >= 0x80 { return "a negative modulus; a positive one is required" }
    if (exponent.first ?? 0) >= 0x80 { return "a negative public exponent; an odd one of at least 3 is required" }
    let magnitude = exponent.drop { $0 == 0 }
    if magnitude.isEmpty || magnitude.elementsEqual([1]) {
      return "the public exponent \(magnitude.count); an odd one of at least 3 is required"
    }
    if (magnitude.last ?? 0) & 1 == 0 { return "an even public exponent; an odd one of at least 3 is required" }
    return nil
  }
}
