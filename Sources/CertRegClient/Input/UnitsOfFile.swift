/// The units of a file, among which the certificates of issuers are found: lines of base64, rows and elements. PEM is
/// compared by its own reader.
struct UnitsOfFile: InputReader {
  /// So many bytes of certificates are compared, so that no long source waits for its end.
  private static let maximumBytes = 1 << 20

  private var reader: any InputReader
  /// What was read and comes next, the first one last.
  private var ready: [Sighting] = []
  /// Why nothing more can be read behind that.
  private var failure: InputError?
  private var compares: Bool

  init(_ reader: any InputReader, _ context: InputContext) {
    self.reader = reader
    // The end of a pipe can be far away.
    compares = !context.options.includesAuthorities && !reader.comparesCertificates && reader.fraction != nil
  }

  var fraction: Double? { reader.fraction }

  var nothing: OtherContent { reader.nothing }

  mutating func next() throws(InputError) -> Sighting? {
    if compares { fill() }
    if let sighting = ready.popLast() { return sighting }
    if let failure { throw failure }
    return try reader.next()
  }

  /// Reads a short file to its end.
  private mutating func fill() {
    compares = false
    var found: [Sighting] = []
    var bytes = 0
    var hasEnded = false
    while !hasEnded, found.count < DeviceChoice.window, bytes < UnitsOfFile.maximumBytes {
      do throws(InputError) {
        guard let sighting = try reader.next() else {
          hasEnded = true
          continue
        }
        found.append(sighting)
        bytes += sighting.entries.reduce(0) { $0 + ($1.certificate?.pem.utf8.count ?? 0) }
      } catch {
        failure = error
        hasEnded = true
      }
    }
    ready = (hasEnded ? UnitsOfFile.withoutIssuers(found) : found).reversed()
  }

  /// The units with the certificates passed over that issued others. One that has the name of a device is a device.
  private static func withoutIssuers(_ units: [Sighting]) -> [Sighting] {
    let pieces = units.flatMap(\.entries).compactMap(\.certificate).map { Piece(line: 1, content: .certificate($0)) }
    var search = IssuerSearch(pieces)
    let positions = search.issuers()
    if positions.isEmpty { return units }
    let issuers = Set(positions.compactMap { pieces[$0].certificate?.id })
    return units.map { unit in
      let entries = unit.entries.map { entry in
        guard let certificate = entry.certificate, entry.deviceID == nil, issuers.contains(certificate.id) else {
          return entry
        }
        return InputEntry(place: entry.place, .issuer)
      }
      return Sighting(entries[0], Array(entries.dropFirst()))
    }
  }
}
