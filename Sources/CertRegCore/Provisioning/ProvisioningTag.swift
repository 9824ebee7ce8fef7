/// 64 bits that stand for a profile together with the values that a request gives its placeholders. Two requests with
/// the same tag make the same device of a certificate. The certificate's own values are not part of it: results are
/// kept by certificate.
package struct ProvisioningTag: RawRepresentable, Hashable, Sendable {
  /// The bits; never 0, which tables use for "none".
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Adds up what a tag stands for. Attributes count in any order, so that the socket's loop need not sort them.
  package struct Builder: Sendable {
    private var sum: UInt64

    /// - Parameter fingerprint: ``ProvisioningProfile/fingerprint``.
    package init(fingerprint: UInt64) {
      sum = fingerprint
    }

    /// Adds the name of the device, as UTF-8.
    package mutating func addDevice(_ name: UnsafeRawBufferPointer) {
      var hash = FNV1a()
      hash.add(name)
      sum &+= mix(hash.value ^ 0x6465_7669_6365)
    }

    /// Adds an attribute: its name and its value, as UTF-8.
    package mutating func addAttribute(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
      var hash = FNV1a()
      hash.add(name)
      // No byte of UTF-8 is 0xff.
      hash.add(byte: 0xff)
      hash.add(value)
      sum &+= mix(hash.value)
    }

    /// The tag of all that was added.
    package var tag: ProvisioningTag {
      let mixed = mix(sum)
      return ProvisioningTag(rawValue: mixed == 0 ? 1 : mixed)
    }

    /// The finaliser of SplitMix64, so that sums of hashes do not cancel each other out.
    private func mix(_ value: UInt64) -> UInt64 {
      var mixed = value
      mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
      return mixed ^ mixed >> 31
    }
  }
}

/// The hash function FNV-1a with 64 bits (https://datatracker.ietf.org/doc/html/rfc9923). It needs no key here: a
/// caller gains nothing by a collision.
struct FNV1a {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { add(byte: byte) }
  }

  /// Adds a text and its length, so that texts that follow each other cannot be taken for others.
  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      add(UnsafeRawBufferPointer(bytes))
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { add($0) }
    }
  }
}
