import CertRegCore

/// A table with one value in each row, which belong to one device: the CSV from which Espressif's tools make a partition
/// (`key,type,encoding,value`, or a TLV table of esp_secure_cert), and lists such as `field,value`.
enum ValueList {
  /// What the first column is called.
  private static let keyHeadings: Set<String> = ["key", "field", "parameter", "property", "setting", "tlvtype"]
  private static let valueHeadings: Set<String> = ["value", "datavalue"]
  /// Longer cells are no headings.
  private static let maximumHeading = 60

  /// Whether a row has the headings of such a table.
  static func isHeadings(_ cells: [ArraySlice<UInt8>]) -> Bool {
    guard cells.count > 1, cells.allSatisfy({ $0.count <= maximumHeading }), keyHeadings.contains(plain(cells[0]))
    else {
      return false
    }
    return cells.dropFirst().contains { valueHeadings.contains(plain($0)) }
  }

  /// Whether the value of a row was to be a device's certificate, by its key.
  static func isCertificate(_ cells: [ArraySlice<UInt8>]) -> Bool {
    guard let first = cells.first, first.count <= maximumHeading, !cells.contains(where: { plain($0) == "namespace" })
    else { return false }
    let key = plain(first).replacing("espsecurecert", with: "").replacing("certificate", with: "cert")
    return key.contains("cert") && !key.contains("ca") || DeviceFields.certificateHeadings.contains(plain(first))
  }

  /// Whether rows are the beginning of a form, with a label and a value in each: the device's name, and below it the
  /// certificate.
  static func isForm(_ rows: [[ArraySlice<UInt8>]]) -> Bool {
    guard let last = rows.last, last.count > 1, last[0].count <= maximumHeading,
      DeviceFields.certificateHeadings.contains(plain(last[0])), Value.pieces(last[1]).contains(where: \.isOfDevice)
    else { return false }
    return rows.dropLast().contains { row in
      guard row.count > 1, row.dropFirst(2).allSatisfy({ PEMBlock.trimmed($0).isEmpty }) else { return false }
      // Two headings are words.
      let isName = PEMBlock.trimmed(row[1]).contains { $0 == 0x20 || $0.isDecimalDigit }
      return isName && NameHeading.of(TextEncoding.readable(row[0])) != nil
        && NameHeading.of(TextEncoding.readable(row[1])) == nil
    }
  }

  /// The rows of a form with one more. A label that comes again begins with another device.
  static func form(_ rows: [[ArraySlice<UInt8>]], with row: [ArraySlice<UInt8>]) -> [[ArraySlice<UInt8>]] {
    guard row.count > 1, row[0].count <= maximumHeading, Value.pieces(row[1]).isEmpty else { return rows }
    let isRepeated = rows.count == NameHeading.maximum || rows.contains { plain($0[0]) == plain(row[0]) }
    return (isRepeated ? [] : rows) + [row]
  }

  /// What the rows of a form tell about the device.
  static func fields(_ rows: [[ArraySlice<UInt8>]]) -> DeviceFields {
    let names = rows.compactMap { row in
      NameHeading.of(TextEncoding.readable(row[0])).map {
        DeviceFields.Named(heading: $0, text: TextEncoding.readable(row[1]))
      }
    }
    return DeviceFields(names: { names.sorted { $0.heading.rank < $1.heading.rank } }) { label in
      rows.first { plain($0[0]) == label }.map { TextEncoding.readable($0[1]) }
    }
  }

  private static func plain(_ cell: ArraySlice<UInt8>) -> String {
    DeviceFields.plain(TextEncoding.string(cell))
  }
}
