import Glibc

/// Ends the process with `message` if `condition` is false. libFuzzer then keeps the input.
func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { fatalError(message()) }
}

/// Ends the process if `text` could control a terminal or break a line of a log.
func requirePrintable(_ text: String) {
  let isPrintable = text.unicodeScalars.allSatisfy {
    $0.value >= 0x20 && $0.value != 0x7f && !(0x80...0x9f).contains($0.value)
  }
  require(isPrintable, "control characters in: \(text.debugDescription)")
}

/// Ends the process if `body` takes more than 200 ms of processor time. The promise is 50 ms; this code is
/// instrumented.
func withinProcessorTime<Result>(_ body: () -> Result) -> Result {
  let start = processorMilliseconds()
  let result = body()
  let spent = processorMilliseconds() - start
  require(spent < 200, "\(spent) ms of processor time")
  return result
}

private func processorMilliseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// A copy of `bytes` in an allocation of exactly its size, so that the sanitizer notices reads past its end.
func withExactCopy<Result>(_ bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { copy.deallocate() }
  copy.copyBytes(from: bytes)
  return body(UnsafeRawBufferPointer(copy))
}
