import CertRegCodec
import CertRegCore

/// Why a JSON object is no request. It has positions in the line; the text of the error is made later.
enum RequestFault: Equatable {
  /// No operation has a member of this name.
  case unknownMember(name: JSONText)
  /// Members that other operations have.
  case foreignMember(MemberSet)
  case duplicateMember(Member, offset: Int)
  case missingMember(Member)
  /// `certificateId` and `certificatePem` in one request.
  case conflictingMembers
  /// `found` is the first byte of the value.
  case wrongType(Member, found: UInt8, offset: Int)
  case invalidValue(Member, at: Range<Int>)
  /// A status that UpdateCertificate does not set.
  case statusNotSettable(CertificateStatus)
  /// A number past what a double holds: readers would turn it into infinity.
  case idTooLarge(offset: Int)
  /// An `id` that is too long for a `watch`, which keeps it and repeats it in every line.
  case watchIDTooLong(offset: Int)
  /// No target, or more than `LineParser.maxTargets`.
  case targetCount(offset: Int)
  /// An array of targets for an operation that takes one.
  case manyTargets
  /// More than `LineParser.maxAttributes` attributes.
  case attributeCount(offset: Int)
  /// An empty or a too long name of an attribute.
  case attributeName(offset: Int)
  /// Two attributes of one name.
  case duplicateAttribute(name: JSONText)
  /// A too long value of an attribute.
  case attributeValue(name: JSONText, offset: Int)
  case loneSurrogate(offset: Int)
}

extension RequestLine {
  /// A certificate is named by its ID or by its text.
  var faultOfCertificate: RequestFault? {
    if certificateID == nil && certificatePem == nil { return .missingMember(.certificateId) }
    return certificateID != nil && certificatePem != nil ? .conflictingMembers : nil
  }

  /// An `update` has a status that can be set.
  var faultOfUpdate: RequestFault? {
    guard operation == .update else { return nil }
    guard let status else { return .missingMember(.status) }
    return status.canBeSet ? nil : .statusNotSettable(status)
  }
}
