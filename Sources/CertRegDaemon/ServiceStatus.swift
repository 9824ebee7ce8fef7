import CertRegCore
import CertRegHost
import CertRegSocket
import NIOCore

/// The line of `systemctl status`: rate, queue and trouble.
enum StatusLine {
  /// What happened a second since the line before.
  struct Rates: Equatable {
    var requests = 0.0
    var calls = 0.0
  }

  static func text(_ figures: Reports.Figures, _ rates: Rates) -> String {
    let count = figures.constants.targets.count
    var line = figures.isDraining ? "stopping" : "serving \(count) target\(count == 1 ? "" : "s")"
    line +=
      ": \(perSecond(rates.requests)) requests/s, \(perSecond(rates.calls)) calls/s, \(figures.engine.pending) queued"
    for problem in figures.problems { line += "; \(problem.message)" }
    return line
  }

  /// With one digit behind the point below ten, where it matters.
  private static func perSecond(_ rate: Double) -> String {
    let tenths = Int((rate * 10).rounded())
    return tenths % 10 == 0 || tenths >= 100 ? "\(Int(rate.rounded()))" : "\(tenths / 10).\(tenths % 10)"
  }
}

/// Keeps the line of `systemctl status` true: at most once a second while something happens, and not at all while
/// nothing does.
struct ServiceStatus: Sendable {
  private static let interval = Duration.seconds(1)

  let reports: Reports
  let notifier: ServiceNotifier
  let activity: Activity
  let clock: HostClock

  /// What the rates are counted from.
  private struct Sample {
    var time: MonotonicTime
    var requests: Int
    var calls: Int
  }

  /// Runs until the task is cancelled.
  func run() async {
    var previous: Sample?
    var shown = ""
    await activity.forEach {
      var isBusy = true
      while isBusy {
        if let previous {
          let rest = previous.time + Self.interval - clock.monotonic
          if rest > .zero { do { try await Task.sleep(for: rest) } catch { return } }
        }
        guard let figures = try? await reports.figures().get() else { return }
        let sample = Sample(
          time: clock.monotonic, requests: figures.sockets.lines, calls: figures.engine.callCount)
        let rates = previous.map { Self.rates(from: $0, to: sample) } ?? StatusLine.Rates()
        let text = StatusLine.text(figures, rates)
        if text != shown { notifier.status(text) }
        shown = text
        previous = sample
        // Once more after the last event, so that the line does not go on telling a rate of the past.
        isBusy = rates != StatusLine.Rates()
      }
    }
  }

  private static func rates(from earlier: Sample, to later: Sample) -> StatusLine.Rates {
    let seconds = max(0.001, Double((later.time - earlier.time).nanoseconds) / 1e9)
    return StatusLine.Rates(
      requests: Double(later.requests - earlier.requests) / seconds,
      calls: Double(later.calls - earlier.calls) / seconds)
  }
}
