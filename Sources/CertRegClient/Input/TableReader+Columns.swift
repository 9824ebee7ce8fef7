import CertRegCodec

// The columns of a table.
extension TableReader {
  /// The columns with usual headings of names, the most specific one first.
  static func nameColumns(_ cells: [ArraySlice<UInt8>]) -> [(heading: NameHeading, index: Int)] {
    let found = cells.enumerated().compactMap { index, cell in
      NameHeading.of(TextEncoding.readable(cell)).map { (heading: $0, index: index) }
    }
    return Array(found.sorted { $0.heading.rank < $1.heading.rank }.prefix(NameHeading.maximum))
  }

  /// Whether the headings come again, in whatever case.
  func repeatsHeadings(_ cells: [ArraySlice<UInt8>]) -> Bool {
    if cells == headingCells { return true }
    let isShort = cells.count == headingCells.count && cells.allSatisfy { $0.count <= TableReader.maximumHeading }
    return isShort
      && zip(cells, plainHeadings).allSatisfy { DeviceFields.plain(TextEncoding.string($0)) == $1 }
  }

  /// Why a row has no certificate.
  func missing(_ cells: [ArraySlice<UInt8>], _ column: Int?) -> InputError {
    let candidates = column.map { $0 < cells.count ? [cells[$0]] : [] } ?? cells
    let names = candidates.map { FilePath(TextEncoding.string(PEMBlock.trimmed($0).prefix(200))) }
    if names.contains(where: { ["pem", "crt", "cer", "der", "p7b"].contains($0.fileExtension) }) {
      let place = column == nil ? "a column of this row" : "the certificate's column"
      return InputError(
        .noCertificate, "\(place) holds the name of a file", advice: "import the folder with the files")
    }
    if column == nil { return InputError(.noCertificate, "no column of this row holds a certificate") }
    let isEmpty = candidates.allSatisfy { PEMBlock.trimmed($0).isEmpty }
    return InputError(
      .noCertificate, isEmpty ? "the certificate's column is empty" : "the certificate's column holds something else")
  }

  /// The one column with the certificate of a device, or with what was to be one; `nil` where there is none, or more
  /// than one.
  static func onlyColumn(_ found: [[Piece]]) -> Int? {
    let columns = found.indices.filter { index in
      DeviceChoice.contents(of: found[index], includesAuthorities: false).contains {
        if case .certificate = $0 { true } else { false }
      }
    }
    if columns.count == 1 { return columns[0] }
    guard columns.isEmpty else { return nil }
    return found.firstIndex { $0.contains { $0.certificate != nil } }
      ?? found.firstIndex { $0.contains(where: \.isDamaged) }
  }
}
