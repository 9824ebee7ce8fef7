/// Tells the certificates of devices from those of authorities, among the pieces of one file, cell or member.
enum DeviceChoice {
  /// The most pieces that are compared with each other.
  static let window = 256

  /// What becomes of each piece, in order. The device's certificate is the one that issued none of the others.
  static func contents(of pieces: [Piece], includesAuthorities: Bool) -> [InputEntry.Content] {
    let issuers = includesAuthorities ? [] : self.issuers(among: pieces)
    return pieces.enumerated().map { index, piece in
      switch piece.content {
      case .thing(let thing): .passedOver(thing)
      case .damaged(let error): .failure(error)
      case .certificate(let certificate):
        if includesAuthorities {
          .certificate(certificate)
        } else if certificate.outline?.isAuthority == true {
          .passedOver(.authority)
        } else {
          issuers.contains(index) ? .passedOver(.issuer) : .certificate(certificate)
        }
      }
    }
  }

  /// What a piece is that stands in another column or member than the device's certificate.
  ///
  /// - Parameter chosen: The pieces in the column or member of the certificate.
  static func thing(_ piece: Piece, beside chosen: [Piece] = []) -> Thing {
    switch piece.content {
    case .thing(let thing): return thing
    case .damaged: return .text
    case .certificate(let certificate):
      guard let outline = certificate.outline else { return .notSelected }
      if outline.isAuthority { return .authority }
      let isIssuer = chosen.prefix(window).contains { $0.certificate?.outline.map(outline.issued) == true }
      return isIssuer ? .issuer : .notSelected
    }
  }

  /// The positions of certificates that issued another one.
  private static func issuers(among pieces: [Piece]) -> Set<Int> {
    guard pieces.count > 1 else { return [] }
    var byName: [IssuerName: [Int]] = [:]
    for (index, piece) in pieces.enumerated() {
      guard let outline = piece.certificate?.outline else { continue }
      byName[IssuerName(name: outline.subject), default: []].append(index)
      byName[IssuerName(name: outline.subject, key: outline.subjectKey), default: []].append(index)
    }
    var issuers: Set<Int> = []
    for piece in pieces {
      guard let outline = piece.certificate?.outline, outline.issuer != outline.subject else { continue }
      // Each list is looked through once, since all who name it mean the same issuers.
      let names =
        outline.authorityKey == nil
        ? [IssuerName(name: outline.issuer)]
        : [IssuerName(name: outline.issuer, key: outline.authorityKey), IssuerName(name: outline.issuer, key: nil)]
      for name in names {
        for candidate in byName.removeValue(forKey: name) ?? []
        where pieces[candidate].certificate?.outline?.issued(outline) == true {
          issuers.insert(candidate)
        }
      }
    }
    return issuers
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
}
