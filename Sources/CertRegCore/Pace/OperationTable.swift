/// Values by operation, each made when its operation is used for the first time: most targets call one or two.
struct OperationTable<Value: Sendable>: Sendable {
  /// The operations in use, in the order in which they came.
  private(set) var operations: [UpstreamOperation] = []
  private var values: [Value] = []

  /// Where the value of an operation is; `nil`: it is not in use.
  func place(of operation: UpstreamOperation) -> Int? { operations.firstIndex(of: operation) }

  /// Where the value of an operation is. It is made if the operation is not in use yet.
  mutating func place(of operation: UpstreamOperation, _ make: () -> Value) -> Int {
    if let place = place(of: operation) { return place }
    operations.append(operation)
    values.append(make())
    return values.count - 1
  }

  /// The value of an operation; `nil`: it is not in use.
  subscript(operation: UpstreamOperation) -> Value? { place(of: operation).map { values[$0] } }

  subscript(place: Int) -> Value {
    get { values[place] }
    _modify { yield &values[place] }
  }

  /// The places of all operations in use.
  var places: Range<Int> { values.indices }
}
