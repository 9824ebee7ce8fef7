/// Tells the fleet what is on this host's disk, page by page, so that memory stays bounded.
package struct FleetRetelling: Sendable {
  enum Kind: Sendable, Hashable {
    /// What the fleet was never told.
    case untold
    /// Results of this host with a higher number, and all results of other members, which may be gone. 0: all results.
    case all(after: Int64)
  }

  struct Told: Sendable {
    var key: FleetKey
    var stored: RegistrationKey
    var note: FleetNote
    /// Whether the note is not on disk yet.
    var isNew = false
  }

  /// Results of the disk.
  package struct Page: Sendable {
    /// See ``FleetRetelling/number``.
    var number: Int
    var results: [Told]
    /// How it goes on; `nil`: all is told.
    var next: FleetRetelling?
    /// Why the disk could not be read, so that the same page is next; `nil`: it was read.
    package var fault: StoreError?
  }

  let kind: Kind
  /// Tells it from those before and after it.
  let number: Int
  private let pageSize: Int
  private var cursor: RegistrationKey?
  /// Whether the notes are done, and results without one come next.
  private var isPastNotes = false
  var isReading = false

  init(_ kind: Kind, number: Int, pageSize: Int) {
    self.kind = kind
    self.number = number
    self.pageSize = pageSize
  }

  /// Reads the next page. It waits for the disk.
  ///
  /// - Parameters:
  ///   - store: The disk.
  ///   - fleetKey: The name that the fleet has for a stored result; `nil`: it does not concern the fleet.
  package func nextPage(of store: any RegistrationStore, fleetKey: (RegistrationKey) -> FleetKey?) -> Page {
    do throws(StoreError) { return try readPage(of: store, fleetKey: fleetKey) } catch {
      return Page(number: number, results: [], next: self, fault: error)
    }
  }

  private func readPage(
    of store: any RegistrationStore, fleetKey: (RegistrationKey) -> FleetKey?
  ) throws(StoreError) -> Page {
    var next = self
    if !isPastNotes {
      let notes = try store.fleetNotes(after: cursor, limit: pageSize)
      guard let last = notes.last else {
        next.isPastNotes = true
        next.cursor = nil
        return Page(number: number, results: [], next: next)
      }
      next.cursor = last.key
      let told = notes.filter { isWanted($0.note) }.compactMap { stored, note in
        fleetKey(stored).map { Told(key: $0, stored: stored, note: note) }
      }
      return Page(number: number, results: told, next: next)
    }
    let keys = try store.unsharedKeys(after: cursor, limit: pageSize)
    guard let last = keys.last else { return Page(number: number, results: [], next: nil) }
    next.cursor = last
    var told: [Told] = []
    for stored in keys {
      guard let key = fleetKey(stored), let registration = try store.registration(for: stored) else { continue }
      let note = FleetNote(stamp: registration.finishedAt.microsecondsSinceEpoch, isForgotten: false, number: 0)
      told.append(Told(key: key, stored: stored, note: note, isNew: true))
    }
    return Page(number: number, results: told, next: next)
  }

  private func isWanted(_ note: FleetNote) -> Bool {
    switch kind {
    case .untold: note.number == 0
    case .all(let number): note.number <= 0 || note.number > number || number == 0
    }
  }
}
