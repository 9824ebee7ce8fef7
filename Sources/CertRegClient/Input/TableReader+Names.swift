import CertRegCodec

// The names of the devices in the rows.
extension TableReader {
  /// The entries of a row. A name in an encoding that nothing tells is never sent.
  func named(_ record: CSVRecords.Record) -> Sighting {
    let found = sighting(record).marked(guessedFrom: record.fields)
    guard nameColumns.isEmpty, context.options.nameColumn == nil, hasUnreadableHeading else { return found }
    let entries = found.entries.map { entry in
      guard case .certificate = entry.content, entry.deviceID == nil else { return entry }
      return entry.failed(.unreadable("the heading that may be that of the device's name"))
    }
    return Sighting(entries[0], Array(entries.dropFirst()))
  }

  /// The name of the device in a row without a certificate. A line of a block is none: it can be that of a key.
  func nameOfFailure(_ fields: DeviceFields, _ cells: [ArraySlice<UInt8>]) -> String? {
    guard !isInBlock || cells.count > 1, let name = fields.deviceID(context.options) else { return nil }
    return TableReader.isBlockLine(Array(name.utf8)[...]) ? nil : name
  }

  /// Whether a row is a line of a block that is not in one cell, after such a row or not.
  func isBlockLine(_ record: CSVRecords.Record) -> Bool {
    if record.isDamaged || record.fields.contains(where: SplitBlock.isBegin) { return true }
    guard let cell = record.fields.first, record.fields.count == 1 else { return false }
    return TableReader.isBlockLine(cell) || isInBlock && StrayLines.isBase64(PEMBlock.trimmed(cell))
  }

  /// Whether a heading is in an encoding that nothing tells.
  static func isUnreadable(_ headingCells: [ArraySlice<UInt8>]) -> Bool {
    headingCells.contains { cell in
      cell.contains { $0 >= 0x80 } && TextEncoding.readable(cell).unicodeScalars.contains("\u{FFFD}")
    }
  }

  /// Whether a column has the heading of a private key. Nothing of it is sent.
  private func namesKey(_ column: Int) -> Bool { keyColumns[column].map(RawKey.namesKey) ?? false }

  func fields(_ cells: [ArraySlice<UInt8>], _ found: [[Piece]], certificateColumn: Int?) -> DeviceFields {
    let text = { (index: Int) -> String in
      // Programs leave out empty cells at the end. Certificates and keys name no devices.
      index < cells.count && found[index].isEmpty && !namesKey(index) ? TextEncoding.readable(cells[index]) : ""
    }
    if let form { return ValueList.fields(form) }
    return DeviceFields(
      names: { names(cells, certificateColumn: certificateColumn, text) },
      ids: { idColumns.prefix { $0 < cells.count }.map(text) }
    ) { plain in
      (headings?[plain] ?? TableReader.index(plain, max(cells.count, headingCells.count))).map(text)
    }
  }

  /// The cells that can name the device.
  private func names(_ cells: [ArraySlice<UInt8>], certificateColumn: Int?, _ text: (Int) -> String)
    -> [DeviceFields.Named]
  {
    guard headings == nil else {
      let names = nameColumns.map {
        DeviceFields.Named(heading: $0.heading, text: text($0.index), namesOthers: $0.index == namingColumn)
      }
      // A device can be called so in a table that has a column of certificates.
      return self.certificateColumn != nil ? names : names.filter { !TableReader.isLabel($0.text) }
    }
    guard let index = namelessColumn, index != certificateColumn, index < cells.count,
      cells[index].count <= DeviceFields.maximumNameCharacters, let heading = NameHeading.of("id")
    else { return [] }
    let name = text(index)
    return TableReader.isLabel(name) ? [] : [DeviceFields.Named(heading: heading, text: name)]
  }

  /// Whether a cell says what stands in its row.
  private static func isLabel(_ text: String) -> Bool {
    text.utf8.count <= maximumHeading && DeviceFields.certificateHeadings.contains(DeviceFields.plain(text))
  }
}
