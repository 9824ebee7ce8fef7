import Dispatch
import Glibc

/// Lets the program wait for SIGTERM and SIGINT, which no longer end the process by themselves.
struct TerminationSignals {
  private let stream: AsyncStream<Void>
  /// The sources deliver signals only while they are referenced.
  private let sources: [any DispatchSourceSignal]

  init() {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { continuation.yield() }
      source.activate()
      return source
    }
  }

  /// Returns when one of the signals has arrived.
  func first() async {
    for await _ in stream { break }
    sources.forEach { $0.cancel() }
  }
}
