/// Scans JSON text by the strict grammar of RFC 8259, without recursion and without allocating.
///
/// This is the hottest loop of the daemon, hence two exceptions:
/// - It uses raw pointers, because strings are read eight bytes at a time. The caller lends the pointer for the time of
///   one parse; each access is preceded by a comparison of its offset with `end`.
/// - It is `public` where its users need it inlined: across modules the compiler inlines `public` declarations only.
public struct JSONScanner {
  /// How deep values may be nested in what `skipValue` reads; the object of the line is the first level.
  public static let maxDepth = 32

  /// The first byte of the text.
  public let base: UnsafeRawPointer
  /// The length of the text in bytes.
  public let end: Int
  /// Offset of the next byte to read.
  public var position = 0
  /// Offset of the first escape that is half a surrogate pair. The grammar allows it (RFC 8259 section 8.2), but it is
  /// no Unicode text: scanning goes on, and the caller decides what the text is worth.
  public var loneSurrogate: Int?

  /// - Parameters:
  ///   - base: The first byte of the text, which stays valid and unchanged while the scanner is used.
  ///   - count: The length of the text in bytes.
  @inlinable
  public init(base: UnsafeRawPointer, count: Int) {
    self.base = base
    self.end = count
  }

  /// The whole text.
  @inlinable
  public var line: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: end)
  }

  /// The byte at `offset`, which must be below `end`.
  @inlinable
  @inline(__always)
  public func byte(_ offset: Int) -> UInt8 {
    base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The next byte, or 0 at the end of the text: NUL is allowed nowhere outside strings.
  @inlinable
  @inline(__always)
  public func peek() -> UInt8 {
    position < end ? byte(position) : 0
  }

  /// Reads past white space (RFC 8259 section 2).
  @inlinable
  @inline(__always)
  public mutating func skipWhitespace() {
    while position < end {
      let next = byte(position)
      if next > 0x20 { return }
      guard next == 0x20 || next == 0x0a || next == 0x0d || next == 0x09 else { return }
      position += 1
    }
  }

  /// Reads past `expected`.
  ///
  /// - Throws: A fault of `kind` if another byte comes next.
  @inlinable
  @inline(__always)
  public mutating func take(_ expected: Unicode.Scalar, orThrow kind: SyntaxFault.Kind) throws(SyntaxFault) {
    guard peek() == UInt8(ascii: expected) else { throw SyntaxFault(kind: kind, offset: position) }
    position += 1
  }

  /// Reads past one value of any kind, with its nested values. `position` is at the value's first byte.
  ///
  /// - Parameter outerDepth: How many values are open around it.
  /// - Throws: ``SyntaxFault`` for text outside the grammar and for nesting deeper than ``maxDepth``.
  package mutating func skipValue(depth outerDepth: Int) throws(SyntaxFault) {
    /// Bit N is set where the value N levels above the innermost one is an object.
    var openObjects: UInt64 = 0
    var depth = outerDepth
    var kind = SyntaxFault.Kind.expectedValue
    while true {
      switch peek() {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard depth < JSONScanner.maxDepth else { throw SyntaxFault(kind: .tooDeep, offset: position) }
        let isObject = peek() == UInt8(ascii: "{")
        depth += 1
        openObjects = openObjects << 1 | (isObject ? 1 : 0)
        position += 1
        skipWhitespace()
        if peek() == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { break }
        if isObject { try skipName(orThrow: .expectedNameOrEnd) }
        kind = isObject ? .expectedValue : .expectedValueOrEnd
        continue
      case UInt8(ascii: "\""):
        position += 1
        _ = try scanString()
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        try scanNumber()
      case UInt8(ascii: "t"):
        try scanLiteral("true")
      case UInt8(ascii: "f"):
        try scanLiteral("false")
      case UInt8(ascii: "n"):
        try scanLiteral("null")
      default:
        throw SyntaxFault(kind: kind, offset: position)
      }
      // A value has ended, or its closing bracket comes next. Close every value that ends here before the next one
      // begins.
      kind = .expectedValue
      while true {
        if depth == outerDepth { return }
        skipWhitespace()
        let isObject = openObjects & 1 == 1
        let next = peek()
        if next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          position += 1
          depth -= 1
          openObjects >>= 1
          continue
        }
        try take(",", orThrow: isObject ? .expectedCommaOrBrace : .expectedCommaOrBracket)
        skipWhitespace()
        if isObject { try skipName(orThrow: .expectedName) }
        break
      }
    }
  }

  /// Reads a member name of a nested object, the colon and the space around it.
  private mutating func skipName(orThrow kind: SyntaxFault.Kind) throws(SyntaxFault) {
    try take("\"", orThrow: kind)
    _ = try scanString()
    skipWhitespace()
    try take(":", orThrow: .expectedColon)
    skipWhitespace()
  }

  /// Reads `true`, `false` or `null`.
  ///
  /// - Throws: A ``SyntaxFault`` at the first byte that differs.
  @inlinable
  @inline(__always)
  public mutating func scanLiteral(_ literal: StaticString) throws(SyntaxFault) {
    let start = literal.utf8Start
    for index in 0..<literal.utf8CodeUnitCount {
      guard peek() == start[index] else { throw SyntaxFault(kind: .badLiteral, offset: position) }
      position += 1
    }
  }

  /// Reads a number (RFC 8259 section 6). The caller checks the byte after it: `01` is a zero and a stray digit.
  ///
  /// - Throws: A ``SyntaxFault`` where a digit is missing.
  package mutating func scanNumber() throws(SyntaxFault) {
    if peek() == UInt8(ascii: "-") { position += 1 }
    if peek() == UInt8(ascii: "0") {
      position += 1
    } else {
      try scanDigits()
    }
    if peek() == UInt8(ascii: ".") {
      position += 1
      try scanDigits()
    }
    if peek() | 0x20 == UInt8(ascii: "e") {
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      try scanDigits()
    }
  }

  private mutating func scanDigits() throws(SyntaxFault) {
    let start = position
    while JSONScanner.isDigit(peek()) { position += 1 }
    guard position > start else { throw SyntaxFault(kind: .expectedDigit, offset: position) }
  }

  /// Whether `byte` is an ASCII digit.
  @inlinable
  @inline(__always)
  public static func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10
  }

  /// The value of a hexadecimal digit, 0 to 15; 0xff for any other byte.
  @inlinable
  @inline(__always)
  public static func hexValue(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: 0xff
    }
  }
}
