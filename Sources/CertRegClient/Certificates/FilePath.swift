import Glibc

/// A path as the system sees it: bytes, not necessarily UTF-8.
package struct FilePath: Hashable, Sendable, CustomStringConvertible {
  /// The path's bytes without the terminating zero.
  package let bytes: [UInt8]

  package init(_ path: String) {
    bytes = Array(path.utf8)
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The path for display, with U+FFFD for bytes that are not UTF-8. Untrusted.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether this stands for standard input.
  package var isStandardInput: Bool { bytes == Array("-".utf8) }

  /// The last part of the path.
  package var name: ArraySlice<UInt8> {
    bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes[($0 + 1)...] } ?? bytes[...]
  }

  /// The file's extension in lower case, without its dot; empty for none.
  package var fileExtension: String {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return "" }
    return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
  }

  /// The path without its extension; `.tgz` stands for `.tar.gz`.
  var withoutExtension: FilePath {
    let ending = fileExtension
    if ending.isEmpty { return self }
    let shorter = Array(bytes.dropLast(ending.utf8.count + 1))
    return FilePath(bytes: ending == "tgz" ? shorter + Array(".tar".utf8) : shorter)
  }

  func appending(_ component: some Sequence<UInt8>) -> FilePath {
    var longer = bytes
    if longer.last != UInt8(ascii: "/") { longer.append(UInt8(ascii: "/")) }
    longer.append(contentsOf: component)
    return FilePath(bytes: longer)
  }

  /// Whether there is a file or folder of that name.
  var exists: Bool { withCString { access($0, F_OK) == 0 } }

  /// Lends the path to a C function.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let terminated = bytes.map(CChar.init(bitPattern:)) + [0]
    return terminated.withUnsafeBufferPointer { buffer in
      // The buffer has at least its terminating zero, so it has a base address.
      buffer.baseAddress.map(body) ?? body("")
    }
  }
}
