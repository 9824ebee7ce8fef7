package import CertRegCore

/// The reasons that refuse a line for its form. They are part of the interface: none may change its meaning.
package enum RequestReason: String, CaseIterable, Sendable {
  // The line is no JSON object.
  case notAnObject = "not_an_object"
  case invalidJSON = "invalid_json"
  case invalidUTF8 = "invalid_utf8"
  case byteOrderMark = "byte_order_mark"
  case trailingData = "trailing_data"
  case nestingTooDeep = "nesting_too_deep"
  case loneSurrogate = "lone_surrogate"

  // The object is no request.
  case unknownMember = "unknown_member"
  case duplicateMember = "duplicate_member"
  case missingMember = "missing_member"
  case conflictingMembers = "conflicting_members"
  case invalidType = "invalid_type"
  case invalidValue = "invalid_value"
  case unknownOperation = "unknown_operation"
  case invalidID = "invalid_id"

  // The connection is closed after these.
  case lineTooLong = "line_too_long"
  case unfinishedLine = "unfinished_line"

  /// The error that refuses a line for this reason.
  package func error(_ message: String, retryable: Bool = false) -> ServiceError {
    ServiceError(.invalidRequest, reason: Reason(self), message: message, retryable: retryable)
  }
}
