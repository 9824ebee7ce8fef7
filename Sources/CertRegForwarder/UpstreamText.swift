import CertRegCore
import CertRegSigV4

/// Makes text from outside fit for a log, a terminal and a caller: without secrets, on one line, of bounded length.
///
/// All text of upstreams, credential services and helper programs that becomes part of an error passes through here.
struct UpstreamText: Sendable {
  /// The greatest length of a message, in characters.
  static let messageLimit = 512

  private let credentials: SigningCredentials?
  private let authorization: String?
  private let secrets: SecretMask

  /// - Parameters:
  ///   - credentials: The credentials that signed the request.
  ///   - authorization: The value of the request's `Authorization` header.
  ///   - secrets: Other secrets that the text may repeat.
  init(credentials: SigningCredentials? = nil, authorization: String? = nil, secrets: SecretMask) {
    self.credentials = credentials
    self.authorization = authorization
    self.secrets = secrets
  }

  /// The signer of the request: see ``SigningCredentials/signer``.
  var signer: String? { credentials?.signer }

  /// `text` without secrets, without control and invisible characters, and cut to `limit` characters.
  func clean(_ text: String, limit: Int = messageLimit) -> String {
    let visible = mask.masked(UpstreamText.visible(text))
    guard visible.unicodeScalars.count > limit else { return visible }
    return String(String.UnicodeScalarView(visible.unicodeScalars.prefix(limit))) + "…"
  }

  /// `text` if it is an identifier: see `String.isIdentifier`; otherwise `nil`.
  static func identifier(_ text: String?) -> String? { text.flatMap { $0.isIdentifier ? $0 : nil } }

  /// Built only when there is text to clean: most replies have none.
  private var mask: SecretMask {
    var mask = secrets
    if let credentials { mask.add(credentials) }
    if let authorization {
      // Regions and header names are ordinary words: only a long part of the header is telling.
      mask.add(authorization, window: 20)
      if let signature = authorization.split(separator: "Signature=").last { mask.add(String(signature)) }
    }
    return mask
  }

  /// The beginning of `text`, with a space in place of each run of characters that a terminal does not show as
  /// themselves.
  private static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for character in text.unicodeScalars.prefix(SecretMask.inputLimitBytes + 1) {
      if isVisible(character) {
        result.append(character)
      } else if result.last != " " {
        result.append(" ")
      }
    }
    return String(result)
  }

  /// Control characters, line and paragraph separators, marks that change the direction of text and invisible
  /// characters are not visible.
  private static func isVisible(_ character: Unicode.Scalar) -> Bool {
    switch character.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }
}

extension SecretMask {
  /// Adds the secret parts of credentials.
  mutating func add(_ credentials: SigningCredentials) {
    add(credentials.secretAccessKey)
    if let token = credentials.sessionToken { add(token, window: 12) }
  }

  /// Adds the user information of a URL or proxy setting (RFC 3986 section 3.2.1): as written, decoded, and the
  /// password alone.
  mutating func addUserInformation(of url: String) {
    let scheme = url.firstRange(of: "://")
    let rest = scheme.map { url[$0.upperBound...] } ?? url[...]
    guard let at = rest.lastIndex(of: "@") else { return }
    let user = rest[..<at]
    // Without a scheme and a password it is an e-mail address.
    guard scheme != nil || user.contains(":") else { return }
    let password = user.drop { $0 != ":" }.dropFirst()
    for text in [user, password] {
      add(String(text))
      add(URIEncoding.decoded(text))
    }
  }

  /// The mask together with the text's parts that look like secrets.
  func adding(lookalikesIn text: String) -> SecretMask {
    var mask = self
    for secret in SecretMask.lookalikes(in: text) { mask.add(secret) }
    return mask
  }

  /// The mask together with `secret`, as it is and as it is written in a URL.
  func adding(_ secret: String?) -> SecretMask {
    guard let secret else { return self }
    var mask = self
    mask.add(secret)
    let encoded = URIEncoding.encode(secret)
    if encoded != secret { mask.add(encoded) }
    return mask
  }
}
