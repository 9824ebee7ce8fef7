import CertRegCodec
import CertRegCore
import CertRegHost

/// `certregd.fleet` in the state directory: what tells this directory from any other, and how far its host has followed
/// the others. A JSON object. If it is lost, the host follows them from the beginning.
struct FleetFile: Sendable, Equatable {
  /// Drawn once for the directory.
  var instance: String
  /// The content of the database at the last exchange; `nil`: there was none.
  var fleetID: String?
  /// How far the database's clock was ahead of this host's, in microseconds; 0 if unknown.
  var offsetMicroseconds: Int64 = 0
  /// Results of this host with a higher number, and all results of other members, which may be gone. 0: all results.
  /// `nil`: no retelling is under way.
  var untoldAfter: Int64?
  /// The highest number of a result of this host that the database may have. Its note may have been replaced by another
  /// one.
  var sentNumber: Int64 = 0
  /// By member, the number of the last result that this host has taken.
  var positions: [String: Int64] = [:]
  /// When this host last heard what others told, in microseconds of the database's clock; 0 if unknown.
  var newsAt: Int64 = 0

  private static let mostBytes = 16 << 20

  private static func file(in directory: String) -> StateFile { StateFile(path: directory + "/certregd.fleet") }

  /// Reads the file, or draws a new instance and writes it.
  ///
  /// - Throws: The system's words, if the file is there and cannot be read, or a new one cannot be written.
  static func open(in directory: String, random: () -> UInt64) throws(DaemonError) -> FleetFile {
    // A host that took itself for another one would be kept out of the fleet under its own name.
    if let bytes = try file(in: directory).read(limit: mostBytes), let file = FleetFile(json: bytes) { return file }
    let file = FleetFile(instance: String(random(), radix: 16) + String(random(), radix: 16))
    try file.write(in: directory)
    return file
  }

  /// Writes the file in place of the present one.
  ///
  /// - Throws: The system's words.
  func write(in directory: String) throws(DaemonError) { try Self.file(in: directory).replace(with: json) }

  private init?(json bytes: [UInt8]) {
    guard let json = try? JSONValue(parsing: bytes), let instance = json["instance"]?.string, !instance.isEmpty else {
      return nil
    }
    self.instance = instance
    fleetID = json["fleet"]?.string
    untoldAfter = json["untoldAfter"]?.integer.map { Int64($0) }
    offsetMicroseconds = json["offset"]?.integer.map { Int64($0) } ?? 0
    sentNumber = json["sent"]?.integer.map { Int64($0) } ?? 0
    newsAt = json["newsAt"]?.integer.map { Int64($0) } ?? 0
    for member in json["positions"]?.members ?? [] { positions[member.name] = member.value.integer.map { Int64($0) } }
  }

  init(instance: String) { self.instance = instance }

  private var json: [UInt8] {
    JSONValue.object(of: [
      "fleet": fleetID.map { .string($0) }, "instance": .string(instance),
      "offset": .integer(offsetMicroseconds), "untoldAfter": untoldAfter.map { .integer($0) },
      "newsAt": .integer(newsAt), "sent": .integer(sentNumber),
      "positions": .object(positions.sorted { $0.key < $1.key }.map { .init($0.key, .integer($0.value)) }),
    ]).jsonBytes
  }
}
