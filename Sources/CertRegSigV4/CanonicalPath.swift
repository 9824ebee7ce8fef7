/// How the path of a request becomes part of the canonical request.
package enum PathRule: Sendable {
  /// Empty and dot segments are removed, then the path is percent-encoded once more. The rule of every service but S3.
  case normalized
  /// The path is percent-encoded once more and otherwise left as it stands. The daemon calls no service with this rule;
  /// AWS's test vectors have it.
  case unnormalized
}

extension PathRule {
  /// Appends `path`, the path on the wire, in its canonical form. Characters that are encoded on the wire are encoded
  /// twice here.
  func append(_ path: String, to target: inout [UInt8]) {
    switch self {
    case .normalized:
      PathRule.appendNormalized(Array(path.utf8), to: &target)
    case .unnormalized:
      URIEncoding.append(path.isEmpty ? "/".utf8 : path.utf8, to: &target, keepsSlash: true)
    }
  }

  /// RFC 3986 section 5.2.4 with empty segments left out as well, as AWS's own signers do it: `//a/./b/..//` is `/a/`,
  /// and `/a/.` is `/a`.
  private static func appendNormalized(_ path: [UInt8], to target: inout [UInt8]) {
    let slash = UInt8(ascii: "/")
    var segments: [ArraySlice<UInt8>] = []
    for segment in path.split(separator: slash) {
      if segment.elementsEqual(".".utf8) { continue }
      if segment.elementsEqual("..".utf8) {
        _ = segments.popLast()
      } else {
        segments.append(segment)
      }
    }
    for segment in segments {
      target.append(slash)
      URIEncoding.append(segment, to: &target)
    }
    if segments.isEmpty || path.last == slash { target.append(slash) }
  }
}
