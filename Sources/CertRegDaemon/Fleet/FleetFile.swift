import CertRegCodec
import CertRegCore
import CertRegHost

/// `certregd.fleet` in the state directory: what tells this directory from any other, and how far its host has followed
/// the others. A JSON object. If it is lost, the host follows them from the beginning.
struct FleetFile: Sendable, Equatable {
  /// Drawn once for the directory.
  var instance: String
  var progress = FleetProgress()

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
  func write(in directory: String) throws(DaemonError) {
    var content = json
    if content.count > Self.mostBytes {
      // A file that could not be read back would cost this host its name. Without positions it hears the others from the
      // beginning.
      var shortened = self
      shortened.progress.positions = [:]
      content = shortened.json
    }
    try Self.file(in: directory).replace(with: content)
  }

  private init?(json bytes: [UInt8]) {
    guard let json = try? JSONValue(parsing: bytes), let instance = json["instance"]?.string, !instance.isEmpty else {
      return nil
    }
    self.instance = instance
    // Without progress, also without the fleet's ID, the host tells and hears everything again: that loses nothing.
    progress = Self.progress(json) ?? FleetProgress()
  }

  /// `nil`: a number is none that this program writes, so that the file is damaged.
  private static func progress(_ json: JSONValue) -> FleetProgress? {
    func number(_ value: JSONValue?, in range: ClosedRange<Int64> = FleetProgress.numbers) -> Int64? {
      guard let value else { return 0 }
      return value.integer.map { Int64($0) }.flatMap { range.contains($0) ? $0 : nil }
    }
    // Either clock may be the one that is ahead.
    let offsets = -FleetProgress.numbers.upperBound...FleetProgress.numbers.upperBound
    guard let sent = number(json["sent"]), let newsAt = number(json["newsAt"]),
      let untoldAfter = number(json["untoldAfter"]), let offset = number(json["offset"], in: offsets)
    else { return nil }
    var progress = FleetProgress(fleetID: json["fleet"]?.string, sentNumber: sent, newsAt: newsAt)
    progress.untoldAfter = json["untoldAfter"] == nil ? nil : untoldAfter
    progress.offsetMicroseconds = offset
    for member in json["positions"]?.members ?? [] {
      guard let position = number(member.value) else { return nil }
      progress.positions[member.name] = position
    }
    return progress
  }

  init(instance: String, progress: FleetProgress = FleetProgress()) {
    self.instance = instance
    self.progress = progress
  }

  private var json: [UInt8] {
    JSONValue.object(of: [
      "fleet": progress.fleetID.map { .string($0) }, "instance": .string(instance),
      "offset": .integer(progress.offsetMicroseconds), "untoldAfter": progress.untoldAfter.map { .integer($0) },
      "newsAt": .integer(progress.newsAt), "sent": .integer(progress.sentNumber),
      "positions": .object(progress.positions.sorted { $0.key < $1.key }.map { .init($0.key, .integer($0.value)) }),
    ]).jsonBytes
  }
}
