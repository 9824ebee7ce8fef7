/// Modulus and exponent as they are encoded, with the signs that OpenSSL does not look at.
struct RSANumbers {
  let modulus: ArraySlice<UInt8>
  let exponent: ArraySlice<UInt8>

  /// `nil` if the RSAPublicKey is not two INTEGERs.
  init?(_ encoded: [UInt8]) {
    do throws(DERReader.Fault) {
      var key = DERReader(encoded)
      var numbers = key.inside(try key.next(DERTag.sequence))
      modulus = encoded[try numbers.next(DERTag.integer).content]
      exponent = encoded[try numbers.next(DERTag.integer).content]
    } catch { return nil }
  }

  /// The rule of RFC 8017 section 3.1 that the numbers break; `nil` if they break none.
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
