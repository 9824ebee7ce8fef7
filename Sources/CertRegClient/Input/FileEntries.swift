/// A reader of a whole file. A file without a unit is an entry, too, and one that the user named fails if there is
/// nothing but other things in it.
struct FileEntries {
  private var reader: any InputReader
  private let place: String
  private let context: InputContext
  private var isEmpty = true
  /// Whether nothing but other things has been found.
  private var hasOnlyOthers: Bool
  private let asksForNames: Bool
  /// The last unit with other things. It fails where the file ends with it.
  private var held: Sighting?
  /// The unit that comes next.
  private var ready: Sighting?

  init(_ reader: any InputReader, place: String, _ context: InputContext) {
    self.reader = reader.hasFiles ? reader : UnitsOfFile(reader, context)
    self.place = place
    self.context = context
    hasOnlyOthers = !context.wasFound && !reader.hasFiles
    asksForNames = context.options.nameColumn != nil || context.options.checksCommonName
  }

  var fraction: Double? { reader.fraction }

  /// The entries of the next unit; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func next() throws(InputError) -> Sighting? {
    if let sighting = ready {
      ready = nil
      return sighting
    }
    while let sighting = try nextUnit() {
      guard hasOnlyOthers else { return sighting }
      guard sighting.entries.allSatisfy({ $0.content.isOther }) else {
        hasOnlyOthers = false
        guard let first = held else { return sighting }
        (held, ready) = (nil, sighting)
        return first
      }
      guard sighting.entries.contains(where: { $0.content.isOtherContent }) else { return sighting }
      defer { held = sighting }
      if let first = held { return first }
    }
    guard var entries = held?.entries, let first = entries.first else { return nil }
    held = nil
    context.failFirst(of: &entries)
    return Sighting(entries, orElse: first)
  }

  private mutating func nextUnit() throws(InputError) -> Sighting? {
    var sighting = try reader.next()
    defer { isEmpty = false }
    if asksForNames, let entries = sighting?.entries {
      let checked = entries.map { entry in
        var entry = entry
        context.checkName(of: &entry)
        return entry
      }
      sighting = Sighting(checked, orElse: checked[0])
    }
    return sighting ?? (isEmpty ? Sighting(context.entry(place, reader.nothing)) : nil)
  }
}

extension InputEntry.Content {
  /// Whether this is neither a certificate nor a failure.
  fileprivate var isOther: Bool {
    guard case .passedOver(let other) = self else { return false }
    return other != .authority && other != .issuer
  }

  /// Whether it is something of its own, and not the rest of a table or of a text.
  fileprivate var isOtherContent: Bool {
    guard case .passedOver(let other) = self else { return false }
    return ![.emptyRow, .headings, .text].contains(other)
  }
}
