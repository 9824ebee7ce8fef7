import CertRegCore
import NIOHTTP1

/// The time after which the upstream wants to be asked again.
enum RetryAfter {
  /// The greatest wait: a wrong header must not stop a host for a day.
  static let limit = Duration.seconds(3600)

  /// From `x-amz-retry-after` (milliseconds), else from `Retry-After` (seconds or a date, RFC 9110 section 10.2.3).
  static func duration(_ headers: HTTPHeaders, now: WallTime) -> Duration? {
    if let text = headers.first(name: "x-amz-retry-after"), let milliseconds = number(text) {
      return min(.milliseconds(milliseconds), limit)
    }
    guard let text = headers.first(name: "Retry-After") else { return nil }
    if let seconds = number(text) { return min(.seconds(seconds), limit) }
    guard let date = HTTPDate.imfFixdate(text) else { return nil }
    // Both dates are by the upstream's clock.
    let upstreamNow = headers.first(name: "Date").flatMap(HTTPDate.imfFixdate) ?? now
    let milliseconds = (date - upstreamNow).milliseconds
    return min(.milliseconds(max(0, milliseconds)), limit)
  }

  private static func number(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.count <= 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }
}
