package import CertRegCore
import CertRegCrypto
import Synchronization

/// The key that is derived from a secret for one day, region and service (Signature Version 4, "derive a signing key").
package struct SigningKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let bytes: [UInt8]

  /// Four rounds of HMAC-SHA-256. `day` has the form `YYYYMMDD`.
  package init(secretAccessKey: String, day: some StringProtocol, scope: SigningScope) {
    var key = Array("AWS4".utf8) + Array(secretAccessKey.utf8)
    for part in [String(day), scope.region, scope.service, SigningScope.terminator] {
      key = SHA256.authenticationCode(of: Array(part.utf8), key: key).bytes
    }
    bytes = key
  }

  /// The signature of `stringToSign`.
  package func signature(of stringToSign: String) -> SHA256Digest {
    SHA256.authenticationCode(of: Array(stringToSign.utf8), key: bytes)
  }

  package var description: String { "SigningKey" }
  /// Hides the key from `dump` and debuggers.
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Keeps the last derived key. A signer needs the same key all day, and deriving it costs more than the rest of
/// signing.
package final class SigningKeyCache: Sendable {
  private struct Entry {
    var secretAccessKey: String
    var day: String
    var scope: SigningScope
    var key: SigningKey
  }

  /// Protects the last key and its input.
  private let last = Mutex<Entry?>(nil)

  package init() {}

  /// The key for `day` (`YYYYMMDD`) in `scope`.
  package func key(secretAccessKey: String, day: some StringProtocol, scope: SigningScope) -> SigningKey {
    last.withLock { entry in
      if let entry, entry.day == day, entry.scope == scope, entry.secretAccessKey == secretAccessKey {
        return entry.key
      }
      let key = SigningKey(secretAccessKey: secretAccessKey, day: day, scope: scope)
      entry = Entry(secretAccessKey: secretAccessKey, day: String(day), scope: scope, key: key)
      return key
    }
  }
}

/// The signature of a request, which a signer sends and a verifier compares.
///
/// - Parameters:
///   - amzDate: The value of `X-Amz-Date`, `YYYYMMDDTHHMMSSZ`.
///   - keys: Keeps the derived key between calls.
package func signature(
  of request: CanonicalRequest, secretAccessKey: String, amzDate: String, scope: SigningScope, keys: SigningKeyCache
) -> SHA256Digest {
  keys.key(secretAccessKey: secretAccessKey, day: amzDate.prefix(8), scope: scope)
    .signature(of: request.stringToSign(amzDate: amzDate, scope: scope))
}
