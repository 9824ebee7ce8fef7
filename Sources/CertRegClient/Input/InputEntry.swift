import CertRegCodec
package import CertRegCore
import CertRegCrypto

/// A certificate as it will be sent.
package struct InputCertificate: Hashable, Sendable {
  /// The value of `certificatePem`.
  package let pem: String
  /// The SHA-256 digest of the DER, or of the text where it cannot be decoded. It identifies the certificate in a batch.
  package let id: CertificateID
  /// The names and the role of the certificate; `nil` where the encoding could not be read.
  let outline: CertificateOutline?

  /// A certificate whose encoding is known.
  ///
  /// - Parameter pem: The text to send; `nil`: the encoding with lines of 64 characters.
  init(der: [UInt8], pem: String? = nil) {
    self.pem = pem ?? PEM.certificate(der: der)
    id = SHA256.digest(of: der)
    outline = CertificateOutline(der)
  }

  /// A text that only the daemon can judge.
  init(undecodable pem: String) {
    self.pem = pem
    id = SHA256.digest(of: pem)
    outline = nil
  }

  /// The encoding; `nil` where the text cannot be decoded.
  var der: [UInt8]? {
    let lines = pem.utf8.split(separator: UInt8(ascii: "\n")).dropFirst()
    return Base64.decodeAnyForm(lines.prefix { !$0.starts(with: "-----".utf8) }.joined())
  }

  /// The common name of the subject (RFC 5280 section 4.1.2.6), the last where there are several.
  package var commonName: String? { outline?.commonName }
}

/// An attribute of a device, for the placeholders of a profile.
package struct DeviceAttribute: Hashable, Sendable {
  /// The name in the request.
  package let name: String
  /// The value in the request.
  package let value: String
}

/// What the reader found at one place of a source, and what becomes of it.
package struct InputEntry: Hashable, Sendable {
  /// What was found.
  package enum Content: Hashable, Sendable {
    /// A certificate to send.
    case certificate(InputCertificate)
    /// Something that should be a certificate and cannot be sent.
    case failure(InputError)
    /// Something that is not the certificate of a device.
    case passedOver(Thing)
  }

  /// Where it is: `file!member:line`. Untrusted.
  package var place: String
  /// The caller's name for the device, where the source has one. Untrusted.
  package var deviceID: String?
  /// Attributes of the device that the user asked for.
  package var attributes: [DeviceAttribute] = []
  /// The profile that an earlier run asked for, where the source is its file of failed entries.
  var provision: ProfileChoice?
  /// The set that the certificate belongs to, where a supplier delivers several for one chip.
  var set: String?
  /// Whether it stood in a signed manifest.
  var isSigned = false
  /// What was found.
  package var content: Content
  /// The certificate of an entry that failed because of its device's name. It is kept for another try.
  var refused: InputCertificate?

  init(place: String, deviceID: String? = nil, _ content: Content) {
    self.place = place
    self.deviceID = deviceID
    self.content = content
  }

  init(place: String, deviceID: String? = nil, _ error: InputError) {
    self.init(place: place, deviceID: deviceID, .failure(error))
  }

  init(place: String, deviceID: String? = nil, _ thing: Thing) {
    self.init(place: place, deviceID: deviceID, .passedOver(thing))
  }

  /// The place with the device's name.
  package var name: String { deviceID.map { "\(place) \($0)" } ?? place }
}

/// All entries of one unit of a source: a row, a line, an element, a block or a file. There is at least one, so that no unit
/// can be lost.
package struct Sighting: Sendable {
  /// The first entry.
  package let first: InputEntry
  /// Further entries of the same unit.
  package let others: [InputEntry]

  init(_ first: InputEntry, _ others: [InputEntry] = []) {
    self.first = first
    self.others = others
  }

  /// The entries; `fallback` where there is none.
  init(_ entries: [InputEntry], orElse fallback: @autoclosure () -> InputEntry) {
    first = entries.first ?? fallback()
    others = Array(entries.dropFirst())
  }

  /// All entries in order.
  var entries: [InputEntry] { [first] + others }
}

/// Reads the units of a source one after the other, and no further ahead than necessary.
protocol InputReader {
  /// The entries of the next unit; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func next() throws(InputError) -> Sighting?

  /// The share that has been read, from 0 to 1; `nil` where the size is not known.
  var fraction: Double? { get }

  /// What a source is that ends without a unit.
  var nothing: Thing { get }

  /// Whether the units are those of several files, which can be of any kind.
  var hasFiles: Bool { get }
}

extension InputReader {
  var nothing: Thing { .empty }
  var hasFiles: Bool { false }
}

/// A reader of a whole file. A file without a unit is an entry, too, and one that the user named fails if there is nothing but other
/// things in it.
struct FileEntries {
  private var reader: any InputReader
  private let place: String
  private let context: InputContext
  private var isEmpty = true
  /// Whether nothing but other things has been found.
  private var hasOnlyOthers: Bool
  /// The last unit with other things. It fails where the file ends with it.
  private var held: Sighting?
  /// The unit that comes next.
  private var ready: Sighting?

  init(_ reader: any InputReader, place: String, _ context: InputContext) {
    self.reader = reader
    self.place = place
    self.context = context
    hasOnlyOthers = !context.wasFound && !reader.hasFiles
  }

  var fraction: Double? { reader.fraction }

  /// The entries of the next unit; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func next() throws(InputError) -> Sighting? {
    if let sighting = ready {
      ready = nil
      return sighting
    }
    while let sighting = try nextUnit() {
      guard hasOnlyOthers else { return sighting }
      guard sighting.entries.allSatisfy({ $0.content.isOther }) else {
        hasOnlyOthers = false
        guard let first = held else { return sighting }
        (held, ready) = (nil, sighting)
        return first
      }
      guard sighting.entries.contains(where: { $0.content.isOtherContent }) else { return sighting }
      defer { held = sighting }
      if let first = held { return first }
    }
    guard var entries = held?.entries, let first = entries.first else { return nil }
    held = nil
    context.failFirst(of: &entries)
    return Sighting(entries, orElse: first)
  }

  private mutating func nextUnit() throws(InputError) -> Sighting? {
    let sighting = try reader.next()
    defer { isEmpty = false }
    return sighting ?? (isEmpty ? Sighting(context.entry(place, reader.nothing)) : nil)
  }
}

extension InputEntry.Content {
  /// Whether this is neither a certificate nor a failure.
  fileprivate var isOther: Bool {
    guard case .passedOver(let thing) = self else { return false }
    return thing != .authority && thing != .issuer
  }

  /// Whether it is something of its own, and not the rest of a table or of a text.
  fileprivate var isOtherContent: Bool {
    guard case .passedOver(let thing) = self else { return false }
    return ![.emptyRow, .headings, .text].contains(thing)
  }
}
