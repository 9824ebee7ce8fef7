import CertRegCore

/// The beginning of a source, by which its form is recognised.
struct SourceHead {
  /// So many bytes are looked at.
  static let maximumBytes = 65_536

  /// The first bytes as they are.
  var raw: ArraySlice<UInt8>
  /// The first bytes as text with LF at the ends of lines; `nil` for binary data.
  var text: [UInt8]?
  /// Whether the source is longer.
  var isComplete: Bool
  /// The extension of the file's name, in lower case.
  var fileExtension: String

  /// The first byte of the text that is not white space.
  var firstByte: UInt8? { text?.first { $0 > 0x20 } }

  /// Whether the file is called a table.
  var isNamedTable: Bool { ["csv", "tsv"].contains(fileExtension) }
}

/// A form that sources have.
struct InputForm: Sendable {
  /// The words of `--format` for it.
  var formats: Set<InputFormat>
  /// How sure it is that a source has this form: 0 for no, 100 for certain.
  var recognises: @Sendable (SourceHead) -> Int
  /// Reads a source of this form.
  var reader: @Sendable (ByteStream, SourceHead, _ name: String, InputContext) throws(InputError) -> any InputReader
}

extension InputForm {
  /// Whether names of devices stand beside the certificates: in tables, JSON and files of mails.
  var hasNames: Bool { formats.isEmpty || formats.contains(.csv) || formats.contains(.json) }
}

/// The forms of files that are not archives. A new form is a reader and a row.
enum InputForms {
  /// All forms. Of several that are equally sure the first is taken.
  static let all: [InputForm] = [encoding, mail, log, json, pem, table, base64]

  /// The most probable form; `nil` where none recognises the source.
  static func form(of head: SourceHead, named format: InputFormat?) -> InputForm? {
    if let format { return all.first { $0.formats.contains(format) } }
    // Most files of folders and archives begin so. No form is surer of such a text: it is no table whose cells are
    // blocks.
    if head.text?.starts(with: "-----BEGIN CERTIFICATE-----\n".utf8) == true { return pem }
    var best: (form: InputForm, confidence: Int)?
    for form in all {
      let confidence = form.recognises(head)
      if confidence > best?.confidence ?? 0 { best = (form, confidence) }
    }
    return best?.form
  }

  /// How sure the most probable form is.
  static func certainty(of head: SourceHead) -> Int {
    all.map { $0.recognises(head) }.max() ?? 0
  }

  /// DER of certificates, PKCS#7 and keys.
  private static let encoding = InputForm(
    formats: [.der],
    recognises: { head in
      if head.raw.first == 0x30 { return head.text == nil || head.fileExtension == "der" ? 90 : 0 }
      return head.text == nil && TLSIdentity.begins(head.raw) ? 90 : 0
    },
    reader: { (stream, _, name, context) throws(InputError) in try EncodedReader(stream, name: name, context) })

  /// Mails with parts or in an encoding.
  private static let mail = InputForm(
    formats: [],
    recognises: { head in head.text.flatMap { MailHeaders($0[...])?.isEncoded } == true ? 95 : 0 },
    reader: { (stream, head, name, context) in MailReader(stream, head: head.text ?? [], name: name, context) })

  /// Logs in JSON with a line of a block on each line.
  private static let log = InputForm(
    formats: [],
    recognises: { head in head.firstByte == UInt8(ascii: "{") && JSONLog.recognises(head.text ?? []) ? 88 : 0 },
    reader: { (stream, _, name, context) in PEMReader(stream, name: name, isLog: true, context) })

  /// JSON lines, arrays, objects, and manifests.
  private static let json = InputForm(
    formats: [.json, .jsonl, .microchip],
    recognises: { head in
      guard let text = head.text, let first = head.firstByte else { return 0 }
      let byName = ["json", "jsonl", "ndjson"].contains(head.fileExtension) ? 70 : 0
      if "{[\"".utf8.contains(first), ForeignJSON.recognises(text) { return byName }
      switch first {
      case UInt8(ascii: "{"): return 85
      case UInt8(ascii: "["), UInt8(ascii: ","):
        let next = text.drop { $0 <= 0x20 || $0 == first }.first
        // The bytes of a certificate are no list of devices.
        if next == UInt8(ascii: "4") { return min(byName, 50) }
        return next.map { "{[\"]".utf8.contains($0) } ?? true ? 85 : byName
      case UInt8(ascii: "\""):
        // JSON in a string of JSON.
        if PEMBlock.trimmed(text[...]).starts(with: "\"{\\\"".utf8) { return 85 }
        return JSONSourceReader.hasValueOnEachLine(text, isComplete: head.isComplete) && !text.contains(0x2C)
          ? 85 : byName
      case UInt8(ascii: "e"):
        // Entries of a manifest in the compact form.
        return JSONSourceReader.hasValueOnEachLine(text, isComplete: head.isComplete) ? 85 : byName
      default: return byName
      }
    },
    reader: { (stream, head, name, context) throws(InputError) in
      let isLines =
        context.options.format == .jsonl
        || JSONSourceReader.hasValueOnEachLine(head.text ?? [], isComplete: head.isComplete)
      return JSONSourceReader(stream, name: name, isLines: isLines, context)
    })

  /// PEM with any text around it, C literals among them.
  private static let pem = InputForm(
    formats: [.pem, .pkcs7],
    recognises: { head in
      guard let text = head.text else { return 0 }
      var pieces: [Piece] = []
      var scanner = PEMScanner()
      for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) where !scanner.hasBoundary {
        scanner.take(line, &pieces)
      }
      if scanner.hasBoundary { return TableReader.recognises(text, isNamed: head.isNamedTable) > 70 ? 40 : 75 }
      scanner.finish(&pieces)
      if !pieces.isEmpty { return Base64Reader.recognises(text) ? 30 : 60 }
      // Blocks can begin further on.
      return head.isComplete ? 0 : 5
    },
    reader: { (stream, _, name, context) in PEMReader(stream, name: name, context) })

  /// Tables of a spreadsheet or a manufacturer.
  private static let table = InputForm(
    formats: [.csv],
    recognises: { head in
      guard let text = head.text, head.firstByte != nil else { return 0 }
      return max(head.isNamedTable ? 45 : 0, TableReader.recognises(text, isNamed: head.isNamedTable))
    },
    reader: { (stream, head, name, context) throws(InputError) in
      let text = head.text ?? []
      let isSaved = try ReportTable(ByteStream(text)) != nil
      if isSaved || ReportForm.headings.utf8.starts(with: text.prefix(40)) {
        return SingleReader(context.entry(name, .importReport))
      }
      return try TableReader(stream, head: text, name: name, context)
    })

  /// Base64, wrapped or one on each line.
  private static let base64 = InputForm(
    formats: [.base64],
    recognises: { head in head.text.map(Base64Reader.recognises) == true ? 50 : 0 },
    reader: { (stream, _, name, context) in Base64Reader(stream, name: name, context) })
}

extension TableReader {
  /// How sure it is that a text is a table: its first record has several cells, one of them a heading for certificates,
  /// or a certificate fills a cell. In lines of logs, statements and mails, other text stands beside a certificate.
  ///
  /// - Parameter isNamed: Whether the file is called a table.
  static func recognises(_ text: [UInt8], isNamed: Bool) -> Int {
    let dialect = CSVDialect(head: text)
    if dialect.hasSeparatorLine { return 90 }
    var records = CSVRecords(ByteStream(text), dialect)
    guard let first = firstOfTable(&records) else { return 0 }
    let hasHeading = first.fields.contains { cell in
      // Programs begin the description of a certificate and comments with the word, too.
      !cell.contains { ":/*={".utf8.contains($0) }
        && DeviceFields.certificateHeadings.contains(DeviceFields.plain(TextEncoding.string(cell.prefix(60))))
    }
    if first.fields.count == 1 { return hasHeading ? 55 : 0 }
    let isLenient = hasHeading || isNamed
    if first.isUnquoted, !isLenient { return 0 }
    if !isNamed, isCommand(first.fields[0]) { return 0 }
    if !isLenient, !hasNames(text, dialect) { return 0 }
    if holdsCertificate(first, isLenient) { return 77 }
    for _ in 0..<recordsToLookAt {
      guard let record = try? records.next() else { break }
      if isRemark(record.fields) { continue }
      // A cell whose quotation mark is not closed belongs to a row all the same.
      if record.isUnquoted, !isLenient { return 0 }
      let isRow = record.isDamaged && hasHeading
      if !isRow, record.fields.contains(where: beginsBlock) { return 0 }
      if !isLenient, isCommand(record.fields[0]) { return 0 }
      if holdsCertificate(record, isLenient) { return hasHeading ? 78 : 77 }
    }
    return hasHeading ? 78 : 0
  }

  /// Whether a cell is a command to a modem (ITU-T V.250 section 5.4) or its answer, with the values of which the cells
  /// of a table can be confused: `AT+USECMNG=0`, `+USECMNG: 0`.
  private static func isCommand(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.split(separator: 0x20).contains { word in
      let isCommand = word.prefix(2).map { $0 & 0xDF } == Array("AT".utf8)
      let name = isCommand ? word.dropFirst(2) : word
      guard let sign = name.first, "+%#^*$&!_@".utf8.contains(sign) else { return false }
      let rest = name.dropFirst().drop { (0x41...0x5A).contains($0 & 0xDF) || $0.isDecimalDigit }
      return rest.startIndex > name.startIndex + 1 && rest.first == UInt8(ascii: isCommand ? "=" : ":")
    }
  }

  /// Whether a record has a cell with a certificate or a key.
  ///
  /// - Parameter isLenient: Whether other text may stand in the cell.
  private static func holdsCertificate(_ record: CSVRecords.Record, _ isLenient: Bool) -> Bool {
    if isLenient { return record.fields.contains { !Value.pieces($0).isEmpty } }
    // Values with commas behind them are no table.
    guard record.fields.count(where: { !PEMBlock.trimmed($0).isEmpty }) > 1 else { return false }
    let isQuoted = record.fields[0].first { $0 != 0x20 } == UInt8(ascii: "'")
    return record.fields.contains { CSVDialect.isCertificate($0, isQuoted: isQuoted) }
  }

  /// Whether the first cells of the records are names of devices: most of them differ, or each comes equally often, as
  /// where a device has an old and a new certificate. Logs repeat words and hosts as it happens.
  /// Times make lines of a log.
  static func hasNames(_ head: [UInt8], _ dialect: CSVDialect, column: Int = 0) -> Bool {
    var records = CSVRecords(ByteStream(head), dialect)
    var counts: [ArraySlice<UInt8>: Int] = [:]
    var rows: [[ArraySlice<UInt8>]] = []
    while let record = try? records.next() {
      guard record.fields.count > column + 1, !PEMBlock.trimmed(record.fields[column]).isEmpty else { continue }
      counts[record.fields[column], default: 0] += 1
      rows.append(record.fields)
    }
    let count = rows.count
    if count > 0, counts.keys.count(where: NamelessColumns.isTime) * 2 > counts.count { return false }
    if column == 0, NamelessColumns.beginWithSeconds(rows) { return false }
    if count < 2 || counts.count * 2 > count { return true }
    let most = counts.values.max() ?? 0
    // The head can end within the rows of a device.
    return most <= certificatesOfDevice && counts.count > 1 && counts.values.count { $0 != most } < 2
      && counts.keys.allSatisfy { $0.contains { $0.isDecimalDigit } }
  }

  /// A device has so many certificates at most.
  private static let certificatesOfDevice = 4

  /// The first record with several cells or a certificate's heading, behind titles; `nil` where a certificate or a
  /// block comes before it.
  private static func firstOfTable(_ records: inout CSVRecords) -> CSVRecords.Record? {
    var titles = 0
    while titles <= maximumTitles, let record = try? records.next() {
      if isAside(record) { continue }
      guard !record.isDamaged, !record.fields.contains(where: beginsBlock) else { return nil }
      titles += 1
      let cell = TextEncoding.string(record.fields[0].prefix(60))
      let isTitle = record.fields.count == 1 && !DeviceFields.certificateHeadings.contains(DeviceFields.plain(cell))
      if !isTitle { return record }
      if !Value.pieces(record.fields[0]).isEmpty { return nil }
    }
    return nil
  }

  /// So many records may come before the first certificate.
  private static let recordsToLookAt = 20

  /// Whether a cell begins a PEM block and does not end it: then the lines of the block are not rows.
  private static func beginsBlock(_ cell: ArraySlice<UInt8>) -> Bool {
    guard cell.count >= 11 else { return false }
    let bytes = Array(cell)
    return (bytes.containsText("-BEGIN ") || bytes.containsText("-BEGIN&")) && !bytes.containsText("-END ")
  }
}
