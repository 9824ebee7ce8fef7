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
  package var tag: DeviceTag {
    var text = text
    return text.withUTF8 { DeviceTag(UnsafeRawBufferPointer($0)) }
  }
}

/// 32 bits that stand for a ``DeviceID``, or for none. Two names have the same tag once in four thousand million pairs;
/// the second one is then not noticed as a new name.
package struct DeviceTag: Hashable, Sendable {
  /// No device was named.
  package static let none = DeviceTag()

  private var value: UInt32 = 0

  private init() {}

  /// - Parameter name: The UTF-8 of a device's name. Raw bytes, since the socket's loop calls this for each request
  ///   with a name.
  package init(_ name: UnsafeRawBufferPointer) {
    // FNV-1a (https://datatracker.ietf.org/doc/html/rfc9923): names are short, and no key is needed, since a caller
    // gains nothing by a collision.
    value = 0x811c_9dc5
    for byte in name { value = (value ^ UInt32(byte)) &* 0x0100_0193 }
    if value == 0 { value = 1 }
  }
}
