import Foundation

/// The environment variables that the forwarder reads, as a value so that tests can choose them.
package struct ProcessEnvironment: Sendable {
  private let values: [String: String]

  package init(_ values: [String: String]) {
    self.values = values
  }

  /// The process's own environment.
  package static var current: ProcessEnvironment {
    ProcessEnvironment(ProcessInfo.processInfo.environment)
  }

  /// The variable's value; `nil` where it is not set or empty, which the SDKs treat alike.
  package subscript(name: String) -> String? {
    guard let value = values[name], !value.isEmpty else { return nil }
    return value
  }

  /// Whether the variable is `true`, in any case.
  func flag(_ name: String) -> Bool {
    self[name]?.lowercased() == "true"
  }
}
