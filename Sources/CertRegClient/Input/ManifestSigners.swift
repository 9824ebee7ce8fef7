import CertRegCore

/// Finds the certificates of those who signed a manifest, which suppliers deliver beside it: they are no devices'.
struct ManifestSigners {
  /// So many certificates wait at most for the manifest that names them.
  private static let maximumHeld = 16

  /// The digests that manifests name as `x5t#S256` (RFC 7515 section 4.1.8).
  private var named: Set<CertificateID> = []
  /// Certificates that are called a signer's, and that no manifest has named yet.
  private var held: [InputEntry] = []

  /// The entry, passed over if it is a signer; `nil`: it waits for a manifest.
  mutating func take(_ entry: InputEntry) -> InputEntry? {
    if let signer = entry.manifestSigner { named.insert(signer) }
    guard case .certificate(let certificate) = entry.content, !entry.isSigned, entry.deviceID == nil else {
      return entry
    }
    let decided = decide(entry, certificate)
    guard case .certificate = decided.content, held.count < ManifestSigners.maximumHeld,
      "\(entry.place) \(certificate.commonName ?? "")".lowercased().contains("signer")
    else { return decided }
    held.append(entry)
    return nil
  }

  /// The entries that waited, at the end of the source.
  mutating func rest() -> [InputEntry] {
    defer { held = [] }
    return held.map { entry in
      if case .certificate(let certificate) = entry.content { decide(entry, certificate) } else { entry }
    }
  }

  private func decide(_ entry: InputEntry, _ certificate: InputCertificate) -> InputEntry {
    guard named.contains(certificate.id) else { return entry }
    var entry = entry
    entry.content = .passedOver(.manifestSigner)
    return entry
  }
}
