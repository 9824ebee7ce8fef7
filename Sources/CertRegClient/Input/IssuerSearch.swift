import CertRegCrypto

/// Finds the certificates that issued others, among the pieces of one file, cell or member: by name, and by the
/// signature where it can be checked.
struct IssuerSearch {
  /// So many signatures are checked, so that a search takes a time in proportion to the pieces. Then the name decides.
  private static let maximumSignatures = 4 * DeviceChoice.window

  private let pieces: [Piece]
  private var signaturesLeft = maximumSignatures
  /// The certificates that were decoded, by position. `nil`: OpenSSL cannot read it.
  private var decoded: [Int: SignedCertificate?] = [:]
  /// The certificates that may be found, by how others name them.
  private var candidates: [IssuerName: [Int]] = [:]

  init(_ pieces: [Piece]) {
    self.pieces = pieces
  }

  /// The positions of those that issued another one. Authorities are known by themselves, and left out.
  mutating func issuers() -> Set<Int> {
    guard pieces.count > 1 else { return [] }
    for (index, piece) in pieces.enumerated() {
      guard let outline = piece.certificate?.outline, !outline.isAuthority else { continue }
      candidates[IssuerName(name: outline.subject), default: []].append(index)
      candidates[IssuerName(name: outline.subject, key: outline.subjectKey), default: []].append(index)
    }
    var issuers: Set<Int> = []
    for index in pieces.indices {
      guard let outline = pieces[index].certificate?.outline, mayHaveIssuer(index, outline) else { continue }
      let names =
        outline.authorityKey == nil
        ? [IssuerName(name: outline.issuer)]
        : [IssuerName(name: outline.issuer, key: outline.authorityKey), IssuerName(name: outline.issuer, key: nil)]
      for name in names {
        guard let named = candidates.removeValue(forKey: name) else { continue }
        // Of those who have the name, only the ones with another key are asked again.
        var others: [Int] = []
        for candidate in named {
          switch issued(index, by: candidate) {
          case true?: issuers.insert(candidate)
          case false?: others.append(candidate)
          case nil: break
          }
        }
        if !others.isEmpty { candidates[name] = others }
      }
    }
    return issuers
  }

  /// Whether `issuer` issued `other`.
  static func issued(_ other: InputCertificate, by issuer: InputCertificate) -> Bool {
    guard let outline = other.outline, issuer.outline?.issued(outline) == true else { return false }
    var search = IssuerSearch([other, issuer].map { Piece(line: 1, content: .certificate($0)) })
    return search.isSigned(0, by: 1) ?? true
  }

  /// Whether a certificate may be that of another issuer than itself. One whose issuer has its own name may be signed by
  /// another key.
  private mutating func mayHaveIssuer(_ index: Int, _ outline: CertificateOutline) -> Bool {
    if outline.issuer != outline.subject { return true }
    let named = candidates[IssuerName(name: outline.subject)] ?? []
    return named.contains { $0 != index } && isSigned(index, by: index) == false
  }

  /// Whether a candidate issued the certificate at `index`; `nil`: it issued nothing by this name.
  private mutating func issued(_ index: Int, by candidate: Int) -> Bool? {
    guard let other = pieces[index].certificate?.outline, let outline = pieces[candidate].certificate?.outline else {
      return nil
    }
    if other.issuer == other.subject { return candidate != index && isSigned(index, by: candidate) == true }
    return outline.issued(other) ? isSigned(index, by: candidate) ?? true : nil
  }

  /// Whether a signature was made with the key of a candidate; `nil` where that cannot be told.
  private mutating func isSigned(_ index: Int, by candidate: Int) -> Bool? {
    guard signaturesLeft > 0 else { return nil }
    signaturesLeft -= 1
    guard let certificate = certificate(index), let issuer = self.certificate(candidate) else { return nil }
    return certificate.isSigned(by: issuer)
  }

  private mutating func certificate(_ index: Int) -> SignedCertificate? {
    if let known = decoded[index] { return known }
    let certificate = pieces[index].certificate?.der.flatMap { SignedCertificate(der: $0) }
    decoded[index] = .some(certificate)
    return certificate
  }
}

/// How a certificate names its issuer: by its subject, and by its key if both certificates have key identifiers.
private struct IssuerName: Hashable {
  /// Whose key identifier is looked at.
  private enum Key: Hashable {
    case any
    case identified([UInt8])
    case unidentified
  }

  private let name: [UInt8]
  private let key: Key

  /// Any certificate with that subject.
  init(name: [UInt8]) {
    self.name = name
    key = .any
  }

  /// A certificate with that subject and key identifier; `nil`: one without.
  init(name: [UInt8], key: [UInt8]?) {
    self.name = name
    self.key = key.map(Key.identified) ?? .unidentified
  }
}
