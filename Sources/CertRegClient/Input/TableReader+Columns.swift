import CertRegCodec

// The columns of a table.
extension TableReader {
  /// Checks that the table has the columns that the user named.
  func checkColumns(_ cells: [ArraySlice<UInt8>]) throws(InputError) {
    if let column = context.options.nameColumn { _ = try self.column(column, of: "--name-column", cells) }
    for case .column(let column) in context.options.attributes.map(\.source) {
      _ = try self.column(column, of: "--attribute", cells)
    }
  }

  /// The index of a column that the user named by its heading or its number.
  func column(_ name: String, of option: String, _ cells: [ArraySlice<UInt8>]) throws(InputError) -> Int {
    let plain = DeviceFields.plain(name)
    if let index = headings?[plain] ?? TableReader.index(plain, max(1, cells.count)) { return index }
    guard headings == nil else {
      throw InputError(
        .noCertificate, "no column \(name); \(TableReader.listed(cells))",
        advice: "name one of its columns with \(option)")
    }
    let number = option == "--attribute" ? "NAME=@2" : "2"
    throw InputError(
      .noCertificate, "the table has no headings", advice: "give the number of the column: \(option) \(number)")
  }

  private static func listed(_ cells: [ArraySlice<UInt8>]) -> String {
    "the columns are: " + cells.map { TextEncoding.string($0.prefix(40)) }.joined(separator: ", ").prefix(400)
  }

  /// The columns with usual headings of names, the most specific one first.
  static func nameColumns(_ cells: [ArraySlice<UInt8>]) -> [(heading: NameHeading, index: Int)] {
    let found = cells.enumerated().compactMap { index, cell in
      NameHeading.of(TextEncoding.readable(cell)).map { (heading: $0, index: index) }
    }
    return Array(found.sorted { $0.heading.rank < $1.heading.rank }.prefix(NameHeading.maximum))
  }

  /// The cells of a row, also where another separator stands between them than between the headings.
  func cells(_ record: CSVRecords.Record) -> [ArraySlice<UInt8>] {
    guard record.fields.count == 1, headingCells.count > 1 else { return record.fields }
    let others = CSVDialect.separators.lazy.map {
      record.fields[0].split(separator: $0, omittingEmptySubsequences: false)
    }
    return others.first { $0.count == headingCells.count && $0.contains { CSVDialect.isCertificate($0) } }
      ?? record.fields
  }

  /// The column that names the devices in the beginning of the table.
  func namingColumn(_ head: [UInt8], _ dialect: CSVDialect) -> Int? {
    guard nameColumns.count > 1 else { return nil }
    var best: Int?
    var records = CSVRecords(ByteStream(head), dialect)
    while best != 0, let record = try? records.next() {
      guard !record.isDamaged, record.fields.count > 1, record.fields.contains(where: { CSVDialect.isCertificate($0) })
      else { continue }
      best =
        nameColumns.indices.prefix(best ?? nameColumns.count).first { column in
          let index = nameColumns[column].index
          guard index < record.fields.count else { return false }
          let name = DeviceName(TextEncoding.readable(record.fields[index]), under: nameColumns[column].heading)
          return if case .text = name { true } else { false }
        } ?? best
    }
    return best.map { nameColumns[$0].index }
  }

  /// The index of a column that is named by its number.
  static func index(_ plain: String, _ count: Int) -> Int? {
    Int(plain).flatMap { $0 >= 1 && $0 <= count ? $0 - 1 : nil }
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
        .noCertificate, "\(place) holds the name of a file",
        advice: context.wasFound ? nil : "import the folder with the files")
    }
    if column == nil { return InputError(.noCertificate, "no column of this row holds a certificate") }
    let isEmpty = candidates.allSatisfy { PEMBlock.trimmed($0).isEmpty }
    return InputError(
      .noCertificate, isEmpty ? "the certificate's column is empty" : "the certificate's column holds something else")
  }

  /// The column with the device's certificate. The usual heading tells, unless what stands below it is the certificate
  /// of an authority, or several columns have it. `nil`: none has a certificate, or nothing tells which one it is.
  func column(_ found: [[Piece]]) -> Int? {
    guard let certificateColumn else { return TableReader.onlyColumn(found) }
    guard context.options.column == nil, certificateColumn < found.count else { return certificateColumn }
    let own = certificateColumns.filter { index in
      index < found.count && found[index].contains { $0.isOfDevice || $0.isDamaged }
    }
    if let first = own.first {
      let ids = Set(own.map { found[$0].compactMap(\.certificate?.id) })
      return own.count == 1 || ids.count == 1 && !ids.contains([]) ? first : nil
    }
    let hasAuthority = found[certificateColumn].contains { $0.certificate != nil }
    guard hasAuthority, found.contains(where: { $0.contains(where: \.isOfDevice) }) else { return certificateColumn }
    return TableReader.onlyColumn(found)
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
