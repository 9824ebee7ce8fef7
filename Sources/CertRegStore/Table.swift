/// The tables whose rows carry a checksum in their last column. The raw value goes into the checksum and must never
/// change.
enum Table: UInt8, CaseIterable {
  case state = 1
  case name = 2
  case queue = 3
  case attempt = 4
  case result = 5
  case failure = 6
  case device = 7
  case shared = 8

  /// The name in SQL.
  var sqlName: String {
    switch self {
    case .state: "state"
    case .name: "name"
    case .queue: "queue"
    case .attempt: "attempt"
    case .result: "result"
    case .failure: "failure"
    case .device: "device"
    case .shared: "shared"
    }
  }

  /// How many columns a row has, the checksum included.
  var columnCount: Int {
    switch self {
    case .state: 4
    case .name: 3
    case .queue: 11
    case .attempt: 5
    case .result: 11
    case .failure: 6
    case .device: 4
    case .shared: 6
    }
  }

  /// Whether the first column is the row's number, which SQLite keeps beside the record instead of in it.
  var isKeyedByRowNumber: Bool { self != .result && self != .failure && self != .device && self != .shared }
}
