import CertRegCore

/// The certificates of a batch so far, and the devices that they were for.
///
/// A batch can have millions of certificates. Of each, this keeps eight bytes of a hash of its ID and four of a hash of
/// its device, with keys of this process, so that nobody can make two with the same. Digests would take four times the
/// memory.
struct SeenCertificates {
  /// What a certificate is to those before it.
  enum Verdict {
    case new
    /// It came before, for the same device or without a word about one.
    case duplicate
    /// It came before for another device.
    case conflict(InputError)
  }

  /// The places of so many certificates are remembered, for messages.
  private static let maximumPlaces = 8192
  /// Tables grow by doubling. Several small ones do not need the memory for it at once.
  private static let tableCount = 64

  /// For each certificate a hash of its device; 0: nothing was said about one.
  private var tables = [[Int: UInt32]](repeating: [:], count: tableCount)
  private var places: [Int: String] = [:]

  /// Takes the certificate of an entry.
  mutating func take(_ certificate: InputCertificate, of entry: InputEntry) -> Verdict {
    // Two that cannot be decoded may differ although what is sent of them does not.
    guard certificate.isDecoded else { return .new }
    let mark = certificate.id.mark
    let table = mark & (SeenCertificates.tableCount - 1)
    let device = SeenCertificates.device(of: entry)
    guard let earlier = tables[table].updateValue(device, forKey: mark) else {
      if places.count < SeenCertificates.maximumPlaces { places[mark] = entry.name }
      return .new
    }
    // The device of the first entry that names one counts.
    if earlier != 0 { tables[table][mark] = earlier }
    guard earlier != 0, device != 0, earlier != device else { return .duplicate }
    let first = places[mark].map { " (\($0))" } ?? ""
    return .conflict(
      InputError(
        .otherDevice, "the same certificate came before for another device\(first): \(certificate.id.hex)",
        advice: "each device needs a certificate of its own: ask the supplier which one has this"))
  }

  /// A hash of what the entry says about its device; 0 for nothing.
  private static func device(of entry: InputEntry) -> UInt32 {
    guard entry.deviceID != nil || !entry.attributes.isEmpty else { return 0 }
    var hasher = Hasher()
    hasher.combine(entry.deviceID)
    hasher.combine(entry.attributes)
    return UInt32(truncatingIfNeeded: hasher.finalize()) | 1
  }
}

extension CertificateID {
  /// A hash of the whole ID with a key of this process: nobody can make two certificates with the same.
  var mark: Int {
    var hasher = Hasher()
    combineAll(into: &hasher)
    return hasher.finalize()
  }

  /// Takes in the whole ID; `hash(into:)` takes a part of it, which two certificates can be made to share.
  func combineAll(into hasher: inout Hasher) {
    withBytes { hasher.combine(bytes: $0) }
  }
}
