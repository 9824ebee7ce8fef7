import Synchronization

/// The interned names, which the writer adds and all look up. A name is added before the first row that needs it is
/// committed.
final class SharedNames: Sendable {
  private let table: Mutex<NameTable>
  private let hasDevices = Atomic<Bool>(false)

  init(_ table: NameTable = NameTable()) {
    self.table = Mutex(table)
  }

  /// The text of a number.
  func text(_ number: Int64) -> String? { table.withLock { $0.texts[number] } }

  /// The number of a text.
  func number(_ text: String) -> Int64? { table.withLock { $0.numbers[text] } }

  /// All texts by number.
  var all: [Int64: String] { table.withLock { $0.texts } }

  /// `false` only while `device` is empty: spares the look-up that then finds nothing.
  var mayHaveDevices: Bool { hasDevices.load(ordering: .acquiring) }

  /// `device` has a row, or gets one with the transaction under way.
  func noteDevice() { hasDevices.store(true, ordering: .releasing) }

  /// Gives `text` a number, or `nil` where there are too many names already.
  func add(_ text: String) -> Int64? {
    table.withLock { table in
      guard !table.isFull else { return nil }
      let number = table.nextNumber
      table.add(text, number: number)
      return number
    }
  }

  /// Takes a name back whose transaction failed.
  func remove(_ number: Int64) { table.withLock { $0.remove(number: number) } }
}
