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

  /// The positions of certificates that issued another one.
  private static func issuers(among pieces: [Piece]) -> Set<Int> {
    guard pieces.count > 1 else { return [] }
    var bySubject: [[UInt8]: [Int]] = [:]
    for (index, piece) in pieces.enumerated() {
      if let outline = piece.certificate?.outline { bySubject[outline.subject, default: []].append(index) }
    }
    var issuers: Set<Int> = []
    for piece in pieces {
      guard let outline = piece.certificate?.outline else { continue }
      for candidate in bySubject[outline.issuer] ?? [] {
        if pieces[candidate].certificate?.outline?.issued(outline) == true { issuers.insert(candidate) }
      }
    }
    return issuers
  }
}
