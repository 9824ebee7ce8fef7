import CertRegCore

/// The devices on the list that `--only` names. All sources of a command share it, since each may have a part of the
/// devices.
final class DeviceList {
  private struct Device {
    /// The name or certificate ID on the list.
    var name: String
    var isFound = false
  }

  /// By their keys.
  private var devices: [String: Device] = [:]
  private let path: String

  /// The list that the options name; `nil` where they name none.
  ///
  /// - Throws: `InputError` where the list cannot be read or has no device.
  static func of(
    _ options: InputOptions, isInterrupted: @escaping () -> Bool = { false }
  ) throws(InputError) -> DeviceList? {
    guard let path = options.onlyPath else { return nil }
    return try DeviceList(path, isInterrupted)
  }

  private init(_ path: String, _ isInterrupted: @escaping () -> Bool) throws(InputError) {
    self.path = path
    let stream: ByteStream
    do throws(InputError) {
      stream = try ByteStream(path: FilePath(path), isInterrupted: isInterrupted)
      if let encoding = TextEncoding.detect(try stream.peek(1024)) { stream.decodeText(encoding) }
    } catch {
      throw InputError(
        error.code, "--only \(path): \(error.message)",
        advice: "--only takes a file with the name or certificate ID of a device on each line")
    }
    var heading: String?
    var lines = 0
    /// The other cells of the first line.
    var others: [String] = []
    while let line = try stream.nextLine() {
      let cells = line.split(omittingEmptySubsequences: false) { ",;\t".utf8.contains($0) }.map(DeviceList.name)
      let name = cells[0]
      if name.isEmpty || name.hasPrefix("#") { continue }
      lines += 1
      if lines == 1 { others = cells.dropFirst().filter { !$0.isEmpty } }
      if devices.isEmpty, heading == nil, DeviceList.isHeading(name) {
        heading = name
      } else {
        add(name)
      }
    }
    // A device can be called so, too.
    if devices.isEmpty, let heading { add(heading) }
    // One line is no table.
    if lines == 1, heading == nil { for name in others { add(name) } }
    guard !devices.isEmpty else { throw InputError(.noCertificate, "--only \(path): the list is empty") }
  }

  private func add(_ name: String) {
    devices[DeviceList.key(name)] = Device(name: CertificateID(hex: Array(name.lowercased().utf8)).map(\.hex) ?? name)
  }

  private static func name(_ cell: ArraySlice<UInt8>) -> String {
    DeviceFields.bare(DeviceFields.bare(TextEncoding.string(cell)).trimmingQuotes)
  }

  private static func isHeading(_ name: String) -> Bool {
    NameHeading.of(name) != nil || DeviceFields.plain(name) == "certificateid"
  }

  /// Certificate IDs are compared without regard to case, names in the form in which reports have them.
  private static func key(_ name: String) -> String {
    CertificateID(hex: Array(name.lowercased().utf8)).map(\.hex) ?? name.printable
  }

  /// Whether one of a device's names is on the list. All that are count as found.
  func takes(_ names: [String]) -> Bool {
    let found = names.map(DeviceList.key).filter { devices[$0] != nil }
    for key in found { devices[key]?.isFound = true }
    return !found.isEmpty
  }

  /// A failure for each device on the list that did not occur.
  func notFound() -> [InputEntry] {
    devices.values.filter { !$0.isFound }.map(\.name).sorted().map { name in
      InputEntry(place: path, deviceID: name, InputError(.notInSource, "on the list, but not in the source"))
    }
  }
}

extension String {
  /// The text without quotation marks around it.
  fileprivate var trimmingQuotes: String {
    hasPrefix("\"") && hasSuffix("\"") && count > 1 ? String(dropFirst().dropLast()) : self
  }
}
