import CertRegCore

/// What a command says about the names of devices: at once about the first one in a guessed encoding, and at the end
/// about those that stand beside several certificates.
///
/// A batch can have millions of names, and so a name takes the place of an earlier one in a table of this size. Two
/// certificates of one device that follow each other closely, as in most tables, are always seen.
struct NameNotes {
  private struct Slot {
    var device = 0
    var certificate: UInt32 = 0
    var isCounted = false
  }

  private static let slotCount = 32_768
  private static let maximumExamples = 3

  private let session: Session
  private var slots: [Slot] = []
  private var hasForgotten = false
  private var count = 0
  private var examples: [String] = []
  private var hasGuess = false

  init(_ session: Session) {
    self.session = session
  }

  /// Takes the certificate of an entry that is none of those before.
  mutating func take(_ certificate: InputCertificate, of entry: InputEntry) {
    guard let name = entry.deviceID else { return }
    if entry.isNameGuessed, !hasGuess {
      hasGuess = true
      session.console.note("\(entry.name): the name is not UTF-8, and was read as Windows-1252")
      session.console.note("  \("→", .cyan) if it is wrong: iconv -f WINDOWS-1250 -t UTF-8 FILE | certregctl import -")
    }
    if slots.isEmpty { slots = Array(repeating: Slot(), count: NameNotes.slotCount) }
    let device = NameNotes.mark(name)
    let index = device & (NameNotes.slotCount - 1)
    let digest = UInt32(truncatingIfNeeded: certificate.id.mark)
    guard slots[index].device == device else {
      if slots[index].device != 0 { hasForgotten = true }
      slots[index] = Slot(device: device, certificate: digest)
      return
    }
    guard slots[index].certificate != digest, !slots[index].isCounted else { return }
    slots[index].isCounted = true
    count += 1
    if examples.count < NameNotes.maximumExamples { examples.append(entry.name) }
  }

  /// A hash of a name with a key of this process. 0 stands for no name.
  private static func mark(_ name: String) -> Int {
    var hasher = Hasher()
    hasher.combine(name)
    return hasher.finalize() | 1 << 62
  }

  /// Says at the end of the batch how many devices have several certificates.
  func conclude() {
    guard count > 0 else { return }
    let number = hasForgotten ? "at least \(count)" : "\(count)"
    let more = count > examples.count ? " …" : ""
    session.console.note(
      "\(number) device\(count == 1 ? " has" : "s have") several certificates: \(examples.joined(separator: ", "))\(more)"
    )
  }
}
