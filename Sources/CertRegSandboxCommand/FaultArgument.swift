import ArgumentParser
import CertRegSandbox

/// The value of an option about faults.
protocol FaultArgument {
  /// What the value has to be, for messages.
  static var form: String { get }

  init?(argument: String)
}

/// `VALUE` or `OPERATION=VALUE`.
struct ForOperation<Value: FaultArgument> {
  /// `nil`: the value applies to operations that have none of their own.
  var operation: SandboxOperation.Name?
  var value: Value

  /// - Throws: `ValidationError` that says what is wrong with the text.
  init(text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    if parts.count == 2 {
      guard let operation = SandboxOperation.Name(rawValue: parts[0]) else {
        throw ValidationError(SandboxOperation.Name.complaint(about: parts[0]))
      }
      self.operation = operation
    }
    guard let value = parts.last.flatMap({ Value(argument: $0) }) else {
      throw ValidationError("it has to be \(Value.form), or OPERATION= and that")
    }
    self.value = value
  }
}

/// A number from 0 to 1.
struct ShareArgument: FaultArgument {
  static let form = "a number from 0 to 1"

  var share: Double

  init?(argument: String) {
    guard let share = Double(argument), (0...1).contains(share) else { return nil }
    self.share = share
  }
}

/// `MS` or `MS-MS`.
struct LatencyArgument: FaultArgument {
  static let form = "milliseconds, such as 40 or 40-120, up to an hour"

  var range: ClosedRange<Duration>

  init?(argument: String) {
    let parts = argument.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    guard let low = parts.first, let high = parts.last, parts.count <= 2, low >= 0, high >= low, high <= 3_600_000
    else { return nil }
    range = .seconds(low / 1000) ... .seconds(high / 1000)
  }
}

/// `N` or `N:BURST`.
struct ThrottleArgument: FaultArgument {
  static let form = "calls a second above 0, such as 10 or 10:20"

  var rate: ThrottleRate

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    guard let perSecond = parts.first, parts.count <= 2, perSecond > 0, perSecond.isFinite else { return nil }
    if parts.count == 1 {
      rate = ThrottleRate(perSecond: perSecond)
    } else {
      guard parts[1] >= 1, parts[1].isFinite else { return nil }
      rate = ThrottleRate(perSecond: perSecond, burst: parts[1])
    }
  }
}
