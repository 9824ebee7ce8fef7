/// RSASSA-PSS-params (RFC 4055 section 3.1).
struct PSSParameters {
  let digest: ObjectIdentifier
  /// The digest of MGF1; `nil` if the mask generation function is another.
  let maskDigest: ObjectIdentifier?
  let saltLength: Int

  /// Digests by identifier, with their lengths in bytes and whether AWS IoT takes signatures that use them.
  static let digests: [ObjectIdentifier: (name: String, length: Int, isSupported: Bool)] = [
    .md5: ("MD5", 16, false), .sha1: ("SHA1", 20, false),
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 4): ("SHA224", 28, false),
    .sha256: ("SHA256", 32, true), .sha384: ("SHA384", 48, true), .sha512: ("SHA512", 64, true),
  ]

  /// `nil` if there are no parameters or they are not well formed.
  init?(_ parameters: DERReader.Element?, in der: [UInt8]) {
    guard let parameters, parameters.tag == DERTag.sequence else { return nil }
    do throws(DERReader.Fault) {
      try self.init(DERReader(der, in: parameters.content))
    } catch { return nil }
  }

  private init(_ parameters: DERReader) throws(DERReader.Fault) {
    var reader = parameters
    var digest = ObjectIdentifier.sha1
    var maskDigest: ObjectIdentifier? = .sha1
    var saltLength = 20
    if let explicit = try reader.nextIfPresent(DERTag.constructedContext(0)) {
      var inside = reader.inside(explicit)
      digest = try PSSParameters.identifier(&inside).identifier
    }
    if let explicit = try reader.nextIfPresent(DERTag.constructedContext(1)) {
      var inside = reader.inside(explicit)
      var (function, rest) = try PSSParameters.identifier(&inside)
      maskDigest = function == .mgf1 ? try PSSParameters.identifier(&rest).identifier : nil
    }
    if let explicit = try reader.nextIfPresent(DERTag.constructedContext(2)) {
      var inside = reader.inside(explicit)
      let octets = reader.bytes[try inside.next(DERTag.integer).content]
      guard octets.count <= 4, let first = octets.first, first < 0x80 else { throw .unexpectedTag }
      saltLength = octets.reduce(0) { $0 << 8 | Int($1) }
    }
    _ = try reader.nextIfPresent(DERTag.constructedContext(3))
    try reader.expectEnd()
    self.digest = digest
    self.maskDigest = maskDigest
    self.saltLength = saltLength
  }

  /// The identifier of an AlgorithmIdentifier, and a reader of its parameters.
  private static func identifier(
    _ reader: inout DERReader
  ) throws(DERReader.Fault) -> (identifier: ObjectIdentifier, rest: DERReader) {
    var inside = reader.inside(try reader.next(DERTag.sequence))
    return (ObjectIdentifier(reader.bytes[try inside.next(DERTag.objectIdentifier).content]), inside)
  }
}
