import Synchronization

/// The interned names, written by the writer and read by the readers. A name is here before the first row that needs it
/// is committed.
final class SharedNames: Sendable {
  private let table: Mutex<NameTable>

  init(_ table: NameTable = NameTable()) {
    self.table = Mutex(table)
  }

  func text(_ number: Int64) -> String? { table.withLock { $0.texts[number] } }

  func number(_ text: String) -> Int64? { table.withLock { $0.numbers[text] } }

  var all: [Int64: String] { table.withLock { $0.texts } }

  /// Gives `text` a number, or `nil` where there are too many names already.
  func add(_ text: String) -> Int64? {
    table.withLock { table in
      guard !table.isFull else { return nil }
      let number = table.nextNumber
      table.add(text, number: number)
      return number
    }
  }

  func remove(_ number: Int64) { table.withLock { $0.remove(number: number) } }
}
