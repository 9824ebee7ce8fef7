/// Tells the certificates of devices from those of authorities, among the pieces of one file, cell or member.
enum DeviceChoice {
  /// The most pieces that are compared with each other.
  static let window = 256
  /// So many signatures are checked to find out whether a certificate beside them issued one of them.
  private static let mostSignatures = 8

  /// What becomes of each piece, in order. The device's certificate is the one that issued none of the others.
  static func contents(of pieces: [Piece], includesAuthorities: Bool) -> [InputEntry.Content] {
    var search = IssuerSearch(includesAuthorities ? [] : pieces)
    let issuers = search.issuers()
    return pieces.enumerated().map { index, piece in
      switch piece.content {
      case .otherContent(let other): .passedOver(other)
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
  static func otherContent(_ piece: Piece, beside chosen: [Piece] = []) -> OtherContent {
    switch piece.content {
    case .otherContent(let other): return other
    case .damaged: return .text
    case .certificate(let certificate):
      guard let outline = certificate.outline else { return .notSelected }
      if outline.isAuthority { return .authority }
      let named = chosen.prefix(window).lazy.compactMap(\.certificate).filter { other in
        other.outline.map(outline.issued) == true
      }
      let isIssuer = named.prefix(mostSignatures).contains { IssuerSearch.issued($0, by: certificate) }
      return isIssuer ? .issuer : .notSelected
    }
  }
}
