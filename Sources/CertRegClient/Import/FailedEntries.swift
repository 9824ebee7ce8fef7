import CertRegCodec
import CertRegCore

/// The file of failed entries next to a report, with their certificates. It can be imported itself.
///
/// An entry leaves the file once its certificate is registered wherever it had failed, whichever source this run reads,
/// and once its place in the source has another certificate for the same device.
final class FailedEntries {
  private let path: String
  private let user: UInt32
  /// The file that an earlier run left.
  private let earlier: OwnedFile?
  /// Whether an earlier file stays as it is.
  private let isDryRun: Bool
  private var replacement: OwnedFile?
  /// The certificates in `replacement`.
  private var added: Set<CertificateID> = []
  private var fault: InputError?
  /// Where the earlier file has the lines of entries that are owed and asked for a profile or attributes.
  private var requests: [CertificateID: Range<Int>] = [:]

  /// Set when an entry could not be written.
  var failure: InputError? { fault ?? replacement?.failure }

  /// - Parameters:
  ///   - resuming: Whether a file that exists may be replaced.
  ///   - user: The user whose file it has to be.
  /// - Throws: `InputError` where the file exists and may not be replaced, or was not written by an import.
  init(_ path: String, resuming: Bool, isDryRun: Bool, user: UInt32) throws(InputError) {
    self.path = path
    self.user = user
    self.isDryRun = isDryRun
    earlier = try OwnedFile.open(path, user: user)
    guard let earlier else { return }
    guard resuming else { throw OwnedFile.exists(path) }
    guard try ReportForm.failedEntries.recognizes(earlier.stream()) else { throw OwnedFile.isForeign(path) }
  }

  /// Tells which certificates the earlier file has, after the report's rows.
  func recall(in history: inout ImportHistory) throws(InputError) {
    var offset = 0
    try forEachEarlier { line, record, id in
      let end = offset + line.count
      defer { offset = end + 1 }
      guard let record, let id else { return }
      history.addFailed(id, record)
      guard history.owes(id), (try? JSON(parsing: line[...])).flatMap(KeptRequest.init) != nil else { return }
      requests[id] = offset..<end
    }
  }

  /// Lets an entry ask for what the same certificate was asked for when it failed: a profile makes a device of it, and
  /// the registration alone would not.
  ///
  /// - Returns: Why the certificate is not asked for; `nil`: it is.
  func repeatRequest(for id: CertificateID, in entry: inout InputEntry) -> InputError? {
    guard entry.provision == nil, let earlier, let place = requests[id],
      let line = try? JSON(parsing: earlier.bytes(at: place.lowerBound, count: place.count)),
      let kept = KeptRequest(line)
    else { return nil }
    guard earlier.isPrivate else { return KeptRequest.isForeign }
    kept.apply(to: &entry)
    entry.deviceID = entry.deviceID ?? line[KeptRequest.nameMember]?.string
    return nil
  }

  /// Keeps an entry for another try, with the profile and the attributes that were asked for.
  func add(_ record: ImportRecord, pem: String, _ id: CertificateID, _ device: DeviceDetails = DeviceDetails()) {
    guard !isDryRun || earlier == nil else { return }
    do throws(InputError) {
      let file = try replacementFile()
      added.insert(id)
      let certificate = JSON.Member(ReportForm.certificateMember, .string(pem))
      let members = (record.json.members ?? []) + KeptRequest.members(device) + [certificate]
      file.write(Array((JSON.object(members).serialized() + "\n").utf8))
    } catch {
      fault = fault ?? error
    }
  }

  /// Puts the entries of this run, and those of earlier ones that are still owed, in the place of the earlier file.
  ///
  /// - Returns: The path of the file; `nil` where nothing is owed.
  /// - Throws: `InputError` where the file cannot be written.
  func finish(_ history: ImportHistory) throws(InputError) -> String? {
    guard !isDryRun || earlier == nil else { return nil }
    var kept = 0
    var dropped = 0
    try forEachEarlier { line, record, id in
      if stays(line, record, id, history) { kept += 1 } else { dropped += 1 }
    }
    if replacement == nil {
      if kept == 0 { earlier?.remove() }
      if kept == 0 || dropped == 0 { return kept == 0 ? nil : path }
    }
    let file = try replacementFile()
    try forEachEarlier { line, record, id in
      if stays(line, record, id, history) { file.write(line + [UInt8(ascii: "\n")]) }
    }
    file.sync()
    if let failure = file.failure { throw failure }
    try file.move(to: path, replacing: earlier?.identity)
    return path
  }

  /// Leaves the file as an earlier run left it.
  func discard() {
    replacement?.remove()
  }

  /// Whether an entry of the earlier file stays in it. One whose certificate nobody can tell does.
  private func stays(_ line: [UInt8], _ record: ImportRecord?, _ id: CertificateID?, _ history: ImportHistory) -> Bool {
    guard let id else { return true }
    guard !added.contains(id), history.owes(id) else { return false }
    guard let record, history.isRenewed(record) else { return true }
    // A whole certificate is known by its ID. Without a device's name, another file can have the same place.
    return record.deviceID.isEmpty && FailedEntries.certificate(in: line)?.digest != nil
  }

  private func replacementFile() throws(InputError) -> OwnedFile {
    if let replacement { return replacement }
    let file = try OwnedFile.createReplacement(path + ".new", .failedEntries, user: user)
    replacement = file
    return file
  }

  private func forEachEarlier(_ body: ([UInt8], ImportRecord?, CertificateID?) -> Void) throws(InputError) {
    guard let earlier else { return }
    try ReportForm.failedEntries.forEachLine(of: earlier) { line, record in
      body(line, record, record?.certificate ?? FailedEntries.certificate(in: line)?.id)
    }
  }

  /// The certificate of an entry.
  private static func certificate(in line: [UInt8]) -> InputCertificate? {
    let pem = (try? JSON(parsing: line[...]))?[ReportForm.certificateMember]?.string
    return pem.flatMap { Value.pieces($0.utf8).first?.certificate }
  }
}
