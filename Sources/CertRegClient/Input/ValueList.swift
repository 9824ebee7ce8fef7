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
    return key.contains("cert") && !key.contains("ca")
  }

  private static func plain(_ cell: ArraySlice<UInt8>) -> String {
    DeviceFields.plain(TextEncoding.string(cell))
  }
}
