/// Advice about the fleet's database, by the words of libpq and PostgreSQL.
package enum FleetAdvice {
  /// What the owner of the database can do about a failure of `fleet init`; `nil` where the message is enough.
  package static func forOwner(_ message: String) -> String? {
    if message.contains("no password supplied") || message.contains("password authentication failed") {
      return "give the password of the user in the URL: --password-file FILE, with the password on its one line"
    }
    if message.contains("permission denied") || message.contains("must be owner") {
      return "name the owner of the database as the user in --url"
    }
    return nil
  }
}
