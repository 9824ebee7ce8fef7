/// Reads records of comma-separated values (RFC 4180), also with semicolons or tabs, and with line ends inside quotes.
struct CSVReader {
  private let stream: ByteStream
  private let separator: UInt8
  /// The line on which the last record begins, from 1.
  private(set) var recordLine = 0
  private var line = 1

  init(stream: ByteStream, separator: UInt8 = UInt8(ascii: ",")) {
    self.stream = stream
    self.separator = separator
  }

  var fraction: Double? { stream.fraction }

  /// The next record's fields; `nil` at the end. Blank lines are skipped.
  mutating func next() throws(InputError) -> [String]? {
    while try stream.peek() != nil {
      recordLine = line
      let fields = try record()
      if fields != [""] { return fields }
    }
    return nil
  }

  private mutating func record() throws(InputError) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var size = 0
    while let byte = try stream.next() {
      size += 1
      guard size <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
      if byte == UInt8(ascii: "\n") { line += 1 }
      switch byte {
      case UInt8(ascii: "\"") where isQuoted:
        if try stream.peek() == UInt8(ascii: "\"") {
          _ = try stream.next()
          field.append(byte)
        } else {
          isQuoted = false
        }
      case UInt8(ascii: "\"") where field.isEmpty: isQuoted = true
      case separator where !isQuoted:
        fields.append(String(decoding: field, as: UTF8.self))
        field = []
      case UInt8(ascii: "\n") where !isQuoted:
        if field.last == UInt8(ascii: "\r") { field.removeLast() }
        return fields + [String(decoding: field, as: UTF8.self)]
      default: field.append(byte)
      }
    }
    return fields + [String(decoding: field, as: UTF8.self)]
  }
}

/// Reads the certificates of a table with headings, such as Espressif's manifests (columns `MAC` and `cert`).
package struct CSVSource: ImportSource {
  /// Headings of the certificate's column, most specific first. Case, spaces, `_` and `-` do not count.
  private static let certificateHeadings = [
    "certificatepem", "certificate", "devicecertificate", "devicecert", "cert", "pem", "x509", "certificatedata", "crt",
  ]
  /// Headings of the column that names the device.
  private static let nameHeadings = [
    "mac", "macaddress", "uniqueid", "serialnumber", "serial", "thingname", "deviceid", "name", "id",
  ]

  private var reader: CSVReader
  private let fileName: String
  private let certificateColumn: Int
  private let nameColumn: Int?

  /// - Parameter column: The heading of the certificate's column, or its number from 1; `nil`: a column with a usual heading.
  /// - Throws: `InputError` where there is no such column.
  init(stream: ByteStream, fileName: String, column: String?) throws(InputError) {
    let beginning = try stream.peek(4096).prefix { $0 != UInt8(ascii: "\n") }
    let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
    let separator = separators.first { beginning.contains($0) } ?? separators[0]
    reader = CSVReader(stream: stream, separator: separator)
    self.fileName = fileName
    guard let headings = try reader.next() else { throw InputError(.noCertificate, "the table is empty") }
    let plain = headings.map(CSVSource.plain)
    if let column {
      let number = Int(column).flatMap { (1...headings.count).contains($0) ? $0 - 1 : nil }
      guard let index = plain.firstIndex(of: CSVSource.plain(column)) ?? number else {
        throw InputError(
          .noCertificate, "no column \(column); the columns are: \(headings.joined(separator: ", ").prefix(400))",
          advice: "name one with --column")
      }
      certificateColumn = index
    } else {
      guard let index = CSVSource.certificateHeadings.lazy.compactMap(plain.firstIndex).first else {
        throw InputError(
          .noCertificate,
          "no column has a usual heading for certificates; the columns are: "
            + headings.joined(separator: ", ").prefix(400),
          advice: "name it with --column")
      }
      certificateColumn = index
    }
    nameColumn = CSVSource.nameHeadings.lazy.compactMap(plain.firstIndex).first
  }

  private static func plain(_ heading: String) -> String {
    String(heading.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || ("0"..."9").contains($0) })
  }

  package var fraction: Double? { reader.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    guard let record = try reader.next() else { return nil }
    let place = "\(fileName):\(reader.recordLine)"
    let device = nameColumn.flatMap { $0 < record.count ? record[$0] : nil } ?? ""
    let name = device.isEmpty ? place : "\(place) \(device)"
    guard certificateColumn < record.count, !record[certificateColumn].isEmpty else {
      return ImportEntry(name: name, error: InputError(.noCertificate, "the certificate's column is empty"))
    }
    return ImportEntry(name: name, text: record[certificateColumn])
  }
}
