import CertRegCodec

/// Reads a table with one certificate in each row: Espressif's and RainMaker's manifests, Nordic's `onboard.csv`, and
/// what spreadsheets write.
struct TableReader: InputReader {
  private var records: CSVRecords
  let name: String
  let context: InputContext
  /// The columns by their plain headings; `nil` for a table without.
  private(set) var headings: [String: Int]?
  private(set) var certificateColumn: Int?
  /// The columns with the same heading, this one among them.
  private(set) var certificateColumns: [Int] = []
  /// The row of headings, which can come again where tables were joined.
  private(set) var headingCells: [ArraySlice<UInt8>] = []
  /// The same as text, without what does not count.
  private(set) var plainHeadings: [String] = []
  /// Whether one of them is in an encoding that nothing tells.
  private(set) var hasUnreadableHeading = false
  /// The column with names of devices where there are no headings.
  let namelessColumn: Int?
  /// The columns with usual headings of names, the most specific one first.
  private(set) var nameColumns: [(heading: NameHeading, index: Int)] = []
  /// The column that names the first devices, the most specific one with a name in it.
  private(set) var namingColumn: Int?
  /// The columns with headings of the certificate's ID.
  private(set) var idColumns: [Int] = []
  /// The columns with plain headings of private keys.
  private(set) var keyColumns: [Int: String] = [:]
  /// Whether each row has one value of a device.
  private var isValueList = false
  /// Rows that were read to find the headings, and come next.
  private var pending: [CSVRecords.Record] = []
  /// How many of them stand above the headings.
  private var titles = 0
  /// Whether the last row was a line of a block that is not in one cell.
  private(set) var isInBlock = false
  /// Whether the last row was empty.
  private var followsEmptyRow = false
  /// Rows that were read to tell a title, and come next.
  private var ahead: [CSVRecords.Record] = []
  /// Whether the rows of a table have ended in a file of SQL.
  private var isInSQL = false
  /// How many cells the last row with a certificate had.
  private(set) var width = 0
  /// Whether the last row was a line of the text below the table.
  private(set) var isInTextBelow = false
  /// The rows of a form since the last certificate; `nil` for any other table.
  private(set) var form: [[ArraySlice<UInt8>]]?

  /// - Throws: `InputError` where the table has no such column as the user named.
  init(_ stream: ByteStream, head: [UInt8], name: String, _ context: InputContext) throws(InputError) {
    let dialect = CSVDialect(head: head)
    records = CSVRecords(stream, dialect)
    self.name = name
    self.context = context
    namelessColumn = NamelessColumns.name(head, dialect)
    if dialect.hasSeparatorLine { try records.skipLine() }
    try readHeadings()
    namingColumn = namingColumn(head, dialect)
  }

  var fraction: Double? { records.fraction }

  var nothing: OtherContent { context.textWithoutCertificate == .text ? .table : context.textWithoutCertificate }

  /// Longer cells are no headings.
  static let maximumHeading = 60
  /// So many rows, such as a title, can stand above the headings.
  static let maximumTitles = 10
  /// So many comments and titles, such as the lines of a key.
  private static let maximumRemarks = 200

  private mutating func readHeadings() throws(InputError) {
    var rows = 0
    while let record = try records.next() {
      pending.append(record)
      isValueList =
        ValueList.isHeadings(record.fields) && pending.dropLast().allSatisfy { TableReader.isRemark($0.fields) }
      if !TableReader.isAside(record) { rows += 1 }
      let isFar = rows > TableReader.maximumTitles || pending.count > TableReader.maximumRemarks
      if isValueList || TableReader.isData(record) || isHeadings(record) || isFar { break }
    }
    if !isValueList, context.options.column == nil, ValueList.isForm(pending.map(\.fields)) {
      (isValueList, form) = (true, [])
      return
    }
    let index = isValueList ? pending.count - 1 : pending.lastIndex(where: isHeadings) ?? unknownHeadings()
    let isData = index == nil
    let first = pending.firstIndex(where: TableReader.isData) ?? 0
    let cells = pending.isEmpty ? [] : pending[index ?? first].fields
    if isData { titles = first }
    if let index {
      pending.remove(at: index)
      titles = index
    }
    try takeHeadings(index == nil ? nil : cells, of: cells)
    if pending.isEmpty, isData { return }
    try checkColumns(cells)
  }

  /// Takes the headings of the columns; `nil`: the table has none.
  private mutating func takeHeadings(
    _ headingCells: [ArraySlice<UInt8>]?, of cells: [ArraySlice<UInt8>]
  ) throws(InputError) {
    namingColumn = nil
    if let headingCells {
      let names = headingCells.enumerated().map { (DeviceFields.plain(TextEncoding.readable($1)), $0) }
      headings = Dictionary(names, uniquingKeysWith: { first, _ in first })
      nameColumns = TableReader.nameColumns(headingCells)
      idColumns = names.filter { DeviceFields.idHeadings.contains($0.0) }.map(\.1)
      keyColumns = Dictionary(uniqueKeysWithValues: names.map { ($1, $0) }.filter { RawKey.isHeading($1) })
      self.headingCells = headingCells
      plainHeadings = headingCells.map { DeviceFields.plain(TextEncoding.string($0)) }
      hasUnreadableHeading = TableReader.isUnreadable(headingCells)
    }
    certificateColumns = []
    if let column = context.options.column {
      certificateColumn = try self.column(column, of: "--column", cells)
    } else {
      let columns = headings ?? [:]
      certificateColumn = DeviceFields.certificateHeadings.lazy.compactMap { columns[$0] }.first
      if let first = certificateColumn, let heading = headingCells?[first] {
        let plain = DeviceFields.plain(TextEncoding.readable(heading))
        certificateColumns = cells.indices.filter { DeviceFields.plain(TextEncoding.readable(cells[$0])) == plain }
      }
    }
  }

  /// The row of headings where none is that of a certificate: the last row of several words before the first
  /// certificate, or else the first row.
  private func unknownHeadings() -> Int? {
    let candidates = pending.indices.filter { !TableReader.isAside(pending[$0]) }
    guard let first = candidates.first, !TableReader.isData(pending[first]) else { return nil }
    guard let end = pending.firstIndex(where: TableReader.isData) else { return first }
    // What stands in one cell above rows of several is a title.
    let hasTitles = pending[..<end].allSatisfy { TableReader.isRemark($0.fields) || $0.fields.count == 1 }
    if pending[end].fields.count > 1, hasTitles { return nil }
    guard candidates.count(where: { $0 < end }) > 1 else { return first }
    let rows = candidates.filter { $0 < end && pending[$0].fields.count > 1 }
    let named = rows.first { row in
      pending[row].fields.contains { isName(TextEncoding.string($0)) }
    }
    let words = rows.last { row in
      pending[row].fields.allSatisfy { cell in
        DeviceFields.plain(TextEncoding.string(cell.prefix(60))).contains { !$0.isNumber }
      }
    }
    return named ?? words ?? rows.last { !TableReader.isEmpty(pending[$0]) } ?? first
  }

  /// Whether a heading is that of the device's name.
  private func isName(_ heading: String) -> Bool {
    NameHeading.of(heading) != nil
      || context.options.nameColumn.map(DeviceFields.plain) == DeviceFields.plain(String(heading.prefix(60)))
  }

  /// Whether a row holds a certificate or a key. A "heading" that does is data.
  private static func isData(_ record: CSVRecords.Record) -> Bool {
    if record.isDamaged { return true }
    return record.fields.contains { !Value.pieces($0).isEmpty } && !isAside(record)
  }

  /// Whether a row has the heading of the certificate's column.
  private func isHeadings(_ record: CSVRecords.Record) -> Bool {
    guard !TableReader.isData(record), !TableReader.isAside(record) else { return false }
    let names = record.fields.map { DeviceFields.plain(TextEncoding.string($0)) }
    if let column = context.options.column { return names.contains(DeviceFields.plain(column)) }
    return names.contains(where: DeviceFields.certificateHeadings.contains)
  }

  mutating func next() throws(InputError) -> Sighting? {
    guard !pending.isEmpty else {
      guard let record = ahead.isEmpty ? try records.next() : ahead.removeFirst() else { return nil }
      isInBlock = isBlockLine(record)
      defer { followsEmptyRow = TableReader.isEmpty(record) }
      if TableReader.beginsCopy(record) {
        isInSQL = false
        return remark(record)
      }
      if isInSQL, !TableReader.isData(record) { return remark(record) }
      if startsTable(record) { return try headingsSighting(record) }
      if !TableReader.isRemark(record.fields) {
        isInTextBelow = try isTitle(record) || isTextBelow(record, followsEmptyRow: followsEmptyRow)
        if isInTextBelow { return remark(record) }
      }
      if TableReader.endsCopy(record) { isInSQL = true }
      return taken(record)
    }
    let record = pending.removeFirst()
    isInBlock = isBlockLine(record)
    guard titles > 0 else { return taken(record) }
    titles -= 1
    return TableReader.isEmpty(record)
      ? Sighting(InputEntry(place: "\(name):\(record.line)", .emptyRow)) : remark(record)
  }

  /// The entries of a row, which tells something of those that follow.
  private mutating func taken(_ record: CSVRecords.Record) -> Sighting {
    form = form.map { ValueList.form($0, with: record.fields) }
    let sighting = named(record)
    if sighting.hasCertificate {
      width = record.fields.count
      form = form.map { _ in [] }
    }
    return sighting
  }

  /// Whether a row is a title above the headings of a further table.
  private mutating func isTitle(_ record: CSVRecords.Record) throws(InputError) -> Bool {
    guard headings != nil, !isValueList, mayBeTitle(record, followsBlank: followsEmptyRow) else { return false }
    for index in 0..<TableReader.maximumTitles {
      if index == ahead.count {
        guard let next = try records.next() else { return false }
        ahead.append(next)
      }
      let next = ahead[index]
      if startsTable(next) || repeatsHeadings(next.fields) { return true }
      guard TableReader.isEmpty(next) || mayBeTitle(next, followsBlank: true) else { return false }
    }
    return false
  }

  /// Whether a row has the headings of another table, which follows the first one.
  private func startsTable(_ record: CSVRecords.Record) -> Bool {
    let cells = record.fields
    guard cells.count > 1, !isValueList, cells.allSatisfy({ $0.count <= TableReader.maximumHeading }),
      !repeatsHeadings(cells), isHeadings(record)
    else { return false }
    // A device can be called so, too.
    let names = cells.map { DeviceFields.plain(TextEncoding.string($0)) }
    if names.contains(where: isName) { return true }
    guard let headings else { return false }
    return Set(names).count == headings.count && names.allSatisfy { headings[$0] != nil }
  }

  private mutating func headingsSighting(_ record: CSVRecords.Record) throws(InputError) -> Sighting {
    try takeHeadings(record.fields, of: record.fields)
    isInTextBelow = false
    return Sighting(InputEntry(place: "\(name):\(record.line)", .headings))
  }

  func sighting(_ record: CSVRecords.Record) -> Sighting {
    let place = "\(name):\(record.line)"
    if record.isDamaged {
      let fields = self.fields(record.fields, record.fields.map { _ in [] }, certificateColumn: nil)
      return Sighting(InputEntry(place: place, deviceID: nameOfFailure(fields, record.fields), TableReader.openQuote))
    }
    let cells = self.cells(record)
    if TableReader.isEmpty(record) { return Sighting(InputEntry(place: place, .emptyRow)) }
    if repeatsHeadings(cells) { return Sighting(InputEntry(place: place, .headings)) }
    if TableReader.isRemark(cells) { return remark(record) }
    let found = pieces(cells)
    let column = column(found)
    let fields = self.fields(cells, found, certificateColumn: column)
    guard column != nil || !found.contains(where: { $0.contains { $0.certificate != nil } }) else {
      let error = InputError(
        .notSelected, "several columns hold certificates of devices", advice: "name one of them with --column")
      let others = found.joined().filter { $0.certificate == nil }.map { DeviceChoice.otherContent($0) }
      return Sighting(
        InputEntry(place: place, deviceID: fields.deviceID(context.options), error),
        others.map { InputEntry(place: place, $0) })
    }
    let main = column.flatMap { $0 < found.count ? found[$0] : nil } ?? []
    let signed = main.isEmpty ? nil : column.flatMap { SignedEntry(text: cells[$0]) }
    var entries =
      signed?.entries(place, context, beside: fields, isFirst: true)
      ?? context.entries(main, place: { _ in place }, fields: fields)
    for (index, pieces) in found.enumerated() where index != column {
      entries += pieces.map { InputEntry(place: place, DeviceChoice.otherContent($0, beside: main)) }
    }
    // What stands alone in a row, such as a key, is no device that lacks its certificate.
    let isAlone = certificateColumn == nil && entries.contains { $0.content.needsNoDevice }
    if !main.isEmpty || isAlone { return Sighting(entries, orElse: InputEntry(place: place, .emptyRow)) }
    if isValueList, entries.isEmpty, !ValueList.isCertificate(cells) {
      return Sighting(InputEntry(place: place, .text))
    }
    let error = missing(cells, column)
    return Sighting(InputEntry(place: place, deviceID: nameOfFailure(fields, cells), error), entries)
  }

  /// What the cells hold.
  private func pieces(_ cells: [ArraySlice<UInt8>]) -> [[Piece]] {
    var found = cells.map { Value.pieces($0) }
    for index in cells.indices where found[index].isEmpty {
      for part in SplitKey.cells(cells, from: index) { found[part] = [.rawKey] }
    }
    let keys = RawKey(found.joined().compactMap(\.certificate))
    for (index, cell) in cells.enumerated() where found[index].isEmpty && !cell.isEmpty {
      let text = TextEncoding.string(cell)
      // Nothing tells what the columns of a table without headings hold.
      let isLikely =
        headings == nil ? keys.canBeKey(text) : keyColumns[index].map { RawKey.isKey(text, under: $0) } ?? false
      if isLikely || keys.belongs(text) { found[index] = [.rawKey] }
    }
    return found
  }
}
