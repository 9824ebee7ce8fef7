import CArchive
import Glibc

/// Reads the paths of members, which archives keep in various encodings.
enum MemberName {
  /// The path as text: UTF-8 or UTF-16 where the archive says so or the bytes are UTF-8, otherwise code page 437 in zip
  /// archives (APPNOTE.TXT section D.1) and Latin-1 in others. Call it within ``ArchiveLocale``.
  static func text(of entry: OpaquePointer, isZip: Bool) -> String {
    // libarchive ends the process where a name cannot be converted and `errno` is ENOMEM, be it from long before.
    errno = 0
    if let name = archive_entry_pathname_utf8(entry) { return String(cString: name) }
    errno = 0
    guard let name = archive_entry_pathname(entry) else { return "" }
    var bytes: [UInt8] = []
    var next = name
    while next.pointee != 0 {
      bytes.append(UInt8(bitPattern: next.pointee))
      next += 1
    }
    return text(of: bytes, isZip: isZip)
  }

  /// The text of bytes of an unknown encoding.
  static func text(of bytes: [UInt8], isZip: Bool) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(byte < 0x80 || !isZip ? Unicode.Scalar(byte) : codePage437[Int(byte) - 0x80]) }
    return String(text)
  }

  /// The upper half of code page 437, in which DOS and Windows wrote names into zip archives.
  private static let codePage437 = Array(
    ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
      + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}").unicodeScalars)
}
