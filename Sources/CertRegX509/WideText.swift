/// The text of a BMPString: UTF-16 with the high byte first (X.680 section 41.15); `nil` if it is not that.
func utf16Text(_ octets: ArraySlice<UInt8>) -> String? {
  guard octets.count % 2 == 0 else { return nil }
  let units = stride(from: octets.startIndex, to: octets.endIndex, by: 2).map {
    UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1])
  }
  return String(validating: units, as: UTF16.self)
}

/// The text of a UniversalString: UTF-32 with the high byte first; `nil` if it is not that.
func utf32Text(_ octets: ArraySlice<UInt8>) -> String? {
  guard octets.count % 4 == 0 else { return nil }
  var text = String.UnicodeScalarView()
  for start in stride(from: octets.startIndex, to: octets.endIndex, by: 4) {
    let value = octets[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard let scalar = Unicode.Scalar(value) else { return nil }
    text.append(scalar)
  }
  return String(text)
}
