import CArchive
import Glibc

/// The locale in which libarchive converts names.
enum ArchiveLocale {
  // Created once, never changed and never freed. Threads may share a locale object (newlocale(3)).
  private nonisolated(unsafe) static let utf8 = certreg_utf8_locale()

  /// Runs `body` on this thread with UTF-8 as the encoding of names. libarchive asks the C library for it
  /// (nl_langinfo(3)), and in the C locale it would lose every name that is not ASCII.
  static func run<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    guard let utf8 else { return try body() }
    let earlier = uselocale(utf8)
    defer { uselocale(earlier) }
    return try body()
  }
}
