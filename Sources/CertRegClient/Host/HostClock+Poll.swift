import CertRegCore

extension HostClock {
  /// The timeout of poll(2) that ends at `deadline`: milliseconds, rounded up; -1 without a deadline.
  func pollTimeout(until deadline: MonotonicTime?) -> Int32 {
    guard let deadline else { return -1 }
    let left = max(0, (deadline - monotonic).nanoseconds)
    return Int32(clamping: (left + 999_999) / 1_000_000)
  }
}
