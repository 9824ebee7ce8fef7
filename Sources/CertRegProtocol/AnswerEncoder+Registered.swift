import CertRegCodec
package import CertRegCore

extension AnswerEncoder {
  /// The most bytes that `writeRegistered` can write for parts of these sizes.
  package static func registeredSize(
    idBytes: Int, arnPrefixBytes: Int, targetBytes: Int, provisioningBytes: Int
  ) -> Int {
    // The fixed text, twice the ID, the longest outcome, status and boolean, and the name of `provisioning`: 269 bytes.
    304 + idBytes + arnPrefixBytes + targetBytes + provisioningBytes
  }

  /// Writes the answer to a finished registration, with its LF, and returns its length. Allocates nothing.
  ///
  /// Raw memory, so that the answer can be made in the buffer that is sent: this is what a cached registration costs.
  /// - Parameters:
  ///   - memory: At least `registeredSize` bytes; anything less is a mistake of the caller's and traps.
  ///   - id: JSON text of the request's `id`; `nil` leaves the member out.
  ///   - arnPrefix: What stands before the ID in the ARN; written as it is: printable ASCII without quotes
  ///     and backslashes, which `Registration.arnPrefix` ensures.
  ///   - status: `nil` leaves the member out.
  ///   - target: A target's name. Those are of letters, digits, `_` and `-` and need no escaping.
  ///   - provisioning: What ``provisioning(_:)`` makes; empty leaves the member out.
  package static func writeRegistered(
    into memory: UnsafeMutableRawBufferPointer, id: UnsafeRawBufferPointer?, arnPrefix: UnsafeRawBufferPointer,
    certificateID: CertificateID, outcome: RegistrationOutcome, status: CertificateStatus?, cached: Bool,
    target: UnsafeRawBufferPointer, provisioning: UnsafeRawBufferPointer
  ) -> Int {
    let needed = registeredSize(
      idBytes: id?.count ?? 0, arnPrefixBytes: arnPrefix.count, targetBytes: target.count,
      provisioningBytes: provisioning.count)
    guard let start = memory.baseAddress, memory.count >= needed else {
      preconditionFailure("the answer needs room for \(needed) bytes")
    }
    var writer = RawWriter(cursor: start)
    if let id {
      writer.write("{\"id\":")
      writer.write(id)
      writer.write(",\"certificateArn\":\"")
    } else {
      writer.write("{\"certificateArn\":\"")
    }
    writer.write(arnPrefix)
    writer.writeHex(certificateID)
    writer.write("\",\"certificateId\":\"")
    writer.writeHex(certificateID)
    writer.write("\",\"outcome\":\"")
    writer.write(outcome.wireName)
    if let status {
      writer.write("\",\"status\":\"")
      writer.write(status.wireName)
    }
    writer.write(cached ? "\",\"cached\":true,\"target\":\"" : "\",\"cached\":false,\"target\":\"")
    writer.write(target)
    if provisioning.isEmpty {
      writer.write("\"}\n")
    } else {
      writer.write("\",\"provisioning\":")
      writer.write(provisioning)
      writer.write("}\n")
    }
    return writer.cursor - start
  }
}

/// Appends to memory whose size was checked before.
private struct RawWriter {
  var cursor: UnsafeMutableRawPointer

  @inline(__always)
  mutating func write(_ text: StaticString) {
    cursor.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    cursor += text.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    cursor.copyMemory(from: start, byteCount: bytes.count)
    cursor += bytes.count
  }

  @inline(__always)
  mutating func writeHex(_ digest: CertificateID) {
    writeHex(digest.words.0)
    writeHex(digest.words.1)
    writeHex(digest.words.2)
    writeHex(digest.words.3)
  }

  /// 16 digits for a word whose bytes are in memory order.
  @inline(__always)
  private mutating func writeHex(_ word: UInt64) {
    let bytes = word.littleEndian
    let first = SWAR.hexDigits(UInt32(truncatingIfNeeded: bytes))
    let second = SWAR.hexDigits(UInt32(truncatingIfNeeded: bytes >> 32))
    cursor.storeBytes(of: first.littleEndian, as: UInt64.self)
    cursor.storeBytes(of: second.littleEndian, toByteOffset: 8, as: UInt64.self)
    cursor += 16
  }
}
