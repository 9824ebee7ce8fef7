import CertRegCore
import Synchronization

/// A register that operations share, with the file that its changes are written to.
final class RegisterStore: Sendable {
  /// The register during a call.
  struct Content: Sendable {
    private(set) var register: SandboxRegister
    private var file: StateFile?
    private var generator: SplitMix64

    init(register: SandboxRegister, file: StateFile?, seed: UInt64) {
      self.register = register
      self.file = file
      generator = SplitMix64(seed: seed)
    }

    /// A new ID for a record.
    mutating func nextID() -> UniqueID {
      generator.nextID()
    }

    /// Writes a change to the file, and only then makes it.
    ///
    /// - Throws: InternalFailureException if the file cannot be written. Nothing has changed then.
    mutating func make(_ change: RegisterChange?) throws(SandboxError) {
      guard let change else { return }
      do throws(StateFileError) {
        try file?.append(change)
      } catch {
        var failure = SandboxError(.internalFailure, "The sandbox cannot write its state file")
        failure.cause = error.message
        throw failure
      }
      register.apply(change)
    }

    /// Makes a decision's change and returns its record.
    mutating func make<Record>(_ decision: Decision<Record>) throws(SandboxError) -> Record {
      try make(decision.change)
      return decision.record
    }
  }

  /// Protects the register, its file and the source of IDs: calls take effect one at a time.
  private let content: Mutex<Content>

  /// - Parameters:
  ///   - file: `nil` keeps the register in memory only.
  ///   - seed: Decides the IDs of records.
  init(register: SandboxRegister, file: StateFile?, seed: UInt64) {
    content = Mutex(Content(register: register, file: file, seed: seed))
  }

  /// What `body` reads.
  func read<Result: Sendable>(
    _ body: (SandboxRegister) throws(SandboxError) -> Result
  ) throws(SandboxError) -> Result {
    try content.withLock { content throws(SandboxError) in try body(content.register) }
  }

  /// Lets `body` decide on changes and make them, without other calls in between.
  func change<Result: Sendable>(
    _ body: (inout Content) throws(SandboxError) -> Result
  ) throws(SandboxError) -> Result {
    try content.withLock { content throws(SandboxError) in try body(&content) }
  }

  /// How many certificates are registered.
  var certificateCount: Int {
    content.withLock { $0.register.count }
  }
}
