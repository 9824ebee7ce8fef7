/// A compact table of registration results in memory: open addressing, 56 bytes for a place and at most 90 for an
/// entry.
///
/// The ARN is not kept: it is the certificate's ID behind one of a few prefixes. When the table is full, an entry near
/// the newcomer's place makes room; what leaves is still in the store. A large table is made of parts that grow each
/// for itself: growing moves all entries, and while a million moved, everybody would wait.
package struct ResultTable: Sendable {
  /// A result as the table has it.
  package struct Entry: Hashable, Sendable {
    /// The certificate.
    package var certificateID = CertificateID()
    /// The beginning of the validity; seconds since 1970, cut to 32 bits: a certificate that is valid until 9999 counts as valid for good.
    package var notBefore: UInt32 = 0
    /// The end of the validity; seconds since 1970, cut to 32 bits.
    package var notAfter: UInt32 = 0
    /// The end of the registration; seconds since 1970, cut to 32 bits.
    package var finishedAt: UInt32 = 0
    /// Stands for the device's name.
    package var deviceTag = DeviceTag.none
    /// Index in `ResultCache`'s list of targets, plus one; 0 marks a free place.
    package var target: UInt16 = 0
    /// Index in the cache's list of ARN prefixes.
    package var arnPrefix: UInt16 = 0
    /// Index in the cache's list of policy fingerprints.
    package var fingerprint: UInt16 = 0
    /// How the registration ended.
    package var outcome: RegistrationOutcome = .created
    /// The status of the certificate; `nil`: not known.
    package var status: CertificateStatus?

    package init() {}
  }

  /// A table is divided where its parts would hold at least as many entries as this.
  private static let leastPart = 4096
  private static let mostParts = 256

  private var parts: [Part]
  /// How many results there are.
  package private(set) var count = 0

  /// `maxEntries`: entries at once, at most; of a divided table the parts may be full a little earlier.
  package init(maxEntries: Int) {
    let parts = min(Self.mostParts, max(1, maxEntries / Self.leastPart))
    self.parts = [Part](repeating: Part(maxEntries: max(1, maxEntries / parts)), count: parts)
  }

  private func part(_ id: CertificateID) -> Int {
    Int(id.words.2.multipliedFullWidth(by: UInt64(parts.count)).high)
  }

  /// The result of a certificate in a target; `nil`: there is none.
  package func entry(_ id: CertificateID, target: UInt16) -> Entry? {
    parts[part(id)].entry(id, target: target)
  }

  /// Adds `entry`, or replaces the one with its key. Returns the entry that had to go for it, if any.
  @discardableResult
  package mutating func set(_ entry: Entry) -> Entry? {
    let (isNew, evicted) = parts[part(entry.certificateID)].set(entry)
    if isNew, evicted == nil { count += 1 }
    return evicted
  }

  /// Removes the entry; returns whether there was one.
  @discardableResult
  package mutating func remove(_ id: CertificateID, target: UInt16) -> Bool {
    guard parts[part(id)].remove(id, target: target) else { return false }
    count -= 1
    return true
  }
}

/// A table that grows as a whole.
private struct Part: Sendable {
  typealias Entry = ResultTable.Entry

  private static let firstCapacity = 16

  private var places: [Entry]
  private let maxEntries: Int
  private var count = 0

  init(maxEntries: Int) {
    self.maxEntries = max(1, maxEntries)
    places = []
  }

  /// The place where the search for a key begins. IDs are uniform; the target moves it so that targets don't collide.
  private func home(_ id: CertificateID, _ target: UInt16) -> Int {
    let hash = id.words.1 &+ UInt64(target) &* 0x9e37_79b9_7f4a_7c15
    return Int(hash.multipliedFullWidth(by: UInt64(places.count)).high)
  }

  private func next(_ place: Int) -> Int {
    place + 1 == places.count ? 0 : place + 1
  }

  private func find(_ id: CertificateID, _ target: UInt16) -> Int? {
    guard !places.isEmpty else { return nil }
    var place = home(id, target)
    while places[place].target != 0 {
      if places[place].target == target, places[place].certificateID == id { return place }
      place = next(place)
    }
    return nil
  }

  func entry(_ id: CertificateID, target: UInt16) -> Entry? {
    find(id, target).map { places[$0] }
  }

  mutating func set(_ entry: Entry) -> (isNew: Bool, evicted: Entry?) {
    if let place = find(entry.certificateID, entry.target) {
      places[place] = entry
      return (false, nil)
    }
    var evicted: Entry?
    if count >= maxEntries {
      evicted = evict(near: home(entry.certificateID, entry.target))
    } else if (count + 1) * 6 > places.count * 5 {
      grow()
    }
    insert(entry)
    count += 1
    return (true, evicted)
  }

  mutating func remove(_ id: CertificateID, target: UInt16) -> Bool {
    guard let place = find(id, target) else { return false }
    vacate(place)
    return true
  }

  private mutating func insert(_ entry: Entry) {
    var place = home(entry.certificateID, entry.target)
    while places[place].target != 0 { place = next(place) }
    places[place] = entry
  }

  private mutating func grow() {
    let old = places
    // A third more: with doubling the table would at times be more than half empty.
    let capacity = max(Self.firstCapacity, old.count + old.count / 3)
    places = [Entry](repeating: Entry(), count: capacity)
    for entry in old where entry.target != 0 { insert(entry) }
  }

  private mutating func evict(near start: Int) -> Entry {
    var place = start
    while places[place].target == 0 { place = next(place) }
    let entry = places[place]
    vacate(place)
    return entry
  }

  /// Frees a place and moves up what had to be put behind it (Knuth, volume 3, section 6.4, algorithm R).
  private mutating func vacate(_ freed: Int) {
    var hole = freed
    var place = next(hole)
    while places[place].target != 0 {
      let home = home(places[place].certificateID, places[place].target)
      let distanceToHole = (place - hole + places.count) % places.count
      let distanceToHome = (place - home + places.count) % places.count
      if distanceToHome >= distanceToHole {
        places[hole] = places[place]
        hole = place
      }
      place = next(place)
    }
    places[hole] = Entry()
    count -= 1
  }
}
