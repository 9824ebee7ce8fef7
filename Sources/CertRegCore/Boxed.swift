/// An optional value on the heap, for properties that few values have. Without it, every result and every job would be
/// as large as those with a device, and copied as such.
@propertyWrapper
package struct Boxed<Value> {
  fileprivate indirect enum Box {
    case value(Value)
  }

  private var box: Box?

  package init(wrappedValue: Value?) {
    box = wrappedValue.map { .value($0) }
  }

  /// The value; `nil`: there is none.
  package var wrappedValue: Value? {
    get {
      guard case .value(let value)? = box else { return nil }
      return value
    }
    set { box = newValue.map { .value($0) } }
  }
}

extension Boxed: Sendable where Value: Sendable {}
extension Boxed.Box: Sendable where Value: Sendable {}
extension Boxed: Equatable where Value: Equatable {}
extension Boxed.Box: Equatable where Value: Equatable {}
extension Boxed: Hashable where Value: Hashable {}
extension Boxed.Box: Hashable where Value: Hashable {}
