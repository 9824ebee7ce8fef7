/// The caller's name for the device that a certificate belongs to: the member `deviceId` of a request.
package struct DeviceID: Hashable, Sendable, CustomStringConvertible {
  /// The most characters (Unicode scalars) of a name, as many as a thing's name may have
  /// (https://docs.aws.amazon.com/iot/latest/apireference/API_CreateThing.html).
  package static let maxCharacters = 128

  /// The name as the caller wrote it.
  package let text: String

  /// - Parameter text: 1 to ``maxCharacters`` Unicode scalars. Any other text gives `nil`.
  package init?(_ text: String) {
    // No character takes less than a byte, nor more than four.
    guard !text.isEmpty, text.utf8.count <= 4 * Self.maxCharacters, text.unicodeScalars.count <= Self.maxCharacters
    else { return nil }
    self.text = text
  }

  package var description: String { text }

  /// A short stand-in for the name, for tables that have no room for it.
  package var tag: DeviceTag { text.utf8.withContiguousStorageIfAvailable { DeviceTag($0) } ?? DeviceTag(text.utf8) }
}

/// 32 bits that stand for a ``DeviceID``, or for none. Two names have the same tag once in four thousand million pairs; the second
/// one is then not noticed as a new name.
package struct DeviceTag: Hashable, Sendable {
  /// No device was named.
  package static let none = DeviceTag()

  private var value: UInt32 = 0

  private init() {}

  /// - Parameter name: The UTF-8 of a device's name.
  package init(_ name: some Sequence<UInt8>) {
    // FNV-1a (https://datatracker.ietf.org/doc/html/rfc9923): names are short, and no key is needed, since a caller gains nothing by a
    // collision.
    value = 0x811c_9dc5
    for byte in name { value = (value ^ UInt32(byte)) &* 0x0100_0193 }
    if value == 0 { value = 1 }
  }
}
