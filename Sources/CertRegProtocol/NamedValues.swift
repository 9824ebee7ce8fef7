import CertRegCodec
import CertRegCore

/// A string enumeration whose values are looked up in a line without making a `String`.
protocol NamedValue: RawRepresentable<String>, CaseIterable {
  /// `rawValue` in a form that can be compared with bytes without allocating.
  var wireName: StaticString { get }
}

extension NamedValue {
  /// The value that `text` names exactly, case included; `nil` for any other text.
  static func named(_ text: JSONText, in line: UnsafeRawBufferPointer) -> Self? {
    allCases.first { JSONTextDecoder.equals(text, in: line, $0.wireName) }
  }
}

extension RequestOperation: NamedValue {
  var wireName: StaticString {
    switch self {
    case .register: "register"
    case .validate: "validate"
    case .lookup: "lookup"
    case .forget: "forget"
    case .update: "update"
    case .describe: "describe"
    case .watch: "watch"
    case .status: "status"
    case .metrics: "metrics"
    case .removeMember: "removeMember"
    }
  }
}

extension WatchOutcome: NamedValue {
  var wireName: StaticString {
    switch self {
    case .created: "created"
    case .existing: "existing"
    case .updated: "updated"
    case .failed: "failed"
    }
  }
}

extension CertificateStatus: NamedValue {
  var wireName: StaticString {
    switch self {
    case .active: "ACTIVE"
    case .inactive: "INACTIVE"
    case .revoked: "REVOKED"
    case .pendingTransfer: "PENDING_TRANSFER"
    case .registerInactive: "REGISTER_INACTIVE"
    case .pendingActivation: "PENDING_ACTIVATION"
    }
  }
}

extension IfExists: NamedValue {
  var wireName: StaticString {
    switch self {
    case .return: "return"
    case .error: "error"
    case .update: "update"
    }
  }
}

extension RegistrationOutcome: NamedValue {
  var wireName: StaticString {
    switch self {
    case .created: "created"
    case .existing: "existing"
    }
  }
}

extension DeviceID {
  /// Whether `text` can name a device. Decodes only texts that can be short enough.
  static func isName(_ text: JSONText, in line: UnsafeRawBufferPointer) -> Bool {
    // The longest way to write a character is a surrogate pair of escapes, with 12 bytes.
    !text.range.isEmpty && text.range.count <= 12 * maxCharacters
      && DeviceID(JSONTextDecoder.string(text, in: line)) != nil
  }
}
