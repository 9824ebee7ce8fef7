import CertRegCore
import CertRegStore

/// Completes batches with what is on disk. On the link's thread.
struct FleetFilling: Sendable {
  var store: any RegistrationStore
  /// The results that have to be read, with the keys that the store has them under.
  var unread: [FleetKey: RegistrationKey]

  /// Reads results. Those that are gone, or cannot be read, are left out.
  ///
  /// - Returns: Whether all could be read.
  func fill(_ batch: inout FleetBatch) -> Bool {
    var isComplete = true
    batch.results = batch.results.compactMap { result in
      guard let stored = unread[result.key] else { return result }
      do throws(StoreError) {
        guard let registration = try store.registration(for: stored) else { return nil }
        var filled = result
        filled.content = SharedResult.Content(registration)
        return filled
      } catch {
        isComplete = false
        return nil
      }
    }
    return isComplete
  }
}

/// Tells the fleet what is on this host's disk, page by page, so that memory stays bounded.
struct FleetRetelling: Sendable {
  enum Kind: Sendable, Equatable {
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

  struct Page: Sendable {
    /// See ``FleetRetelling/number``.
    var number: Int
    var results: [Told]
    /// How it goes on; `nil`: all is told.
    var next: FleetRetelling?
    /// Why the disk could not be read, so that the same page is next; `nil`: it was read.
    var fault: StoreError?
  }

  static let pageSize = 500

  let kind: Kind
  /// Tells it from those before and after it.
  let number: Int
  private var cursor: RegistrationKey?
  /// Whether the notes are done, and results without one come next.
  private var isPastNotes = false
  var isReading = false

  init(_ kind: Kind, number: Int) {
    self.kind = kind
    self.number = number
  }

  /// Reads the next page. It waits for the disk.
  func nextPage(_ store: any RegistrationStore, _ known: KnownResults) -> Page {
    do throws(StoreError) { return try readPage(store, known) } catch {
      return Page(number: number, results: [], next: self, fault: error)
    }
  }

  private func readPage(_ store: any RegistrationStore, _ known: KnownResults) throws(StoreError) -> Page {
    var next = self
    if !isPastNotes {
      let notes = try store.fleetNotes(after: cursor, limit: Self.pageSize)
      guard let last = notes.last else {
        next.isPastNotes = true
        next.cursor = nil
        return Page(number: number, results: [], next: next)
      }
      next.cursor = last.key
      let told = notes.filter { isWanted($0.note) }.compactMap { stored, note in
        known.fleetKey(storedAs: stored).map { Told(key: $0, stored: stored, note: note) }
      }
      return Page(number: number, results: told, next: next)
    }
    let keys = try store.unsharedKeys(after: cursor, limit: Self.pageSize)
    guard let last = keys.last else { return Page(number: number, results: [], next: nil) }
    next.cursor = last
    var told: [Told] = []
    for stored in keys {
      guard let key = known.fleetKey(storedAs: stored), let registration = try store.registration(for: stored) else {
        continue
      }
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
