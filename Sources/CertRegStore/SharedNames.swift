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

  /// Gives the beginning of ARNs a number; `nil`: there are too many names already.
  func add(prefix: String) -> Int64? {
    table.withLock { $0.isFull ? nil : Self.add(prefix, to: &$0) }
  }

  /// Gives the name of a target a number.
  func add(target: String) -> Int64 {
    table.withLock { Self.add(target, to: &$0) }
  }

  private static func add(_ text: String, to table: inout NameTable) -> Int64 {
    let number = table.nextNumber
    table.add(text, number: number)
    return number
  }

  /// Takes a name back whose transaction failed.
  func remove(_ number: Int64) { table.withLock { $0.remove(number: number) } }
}
