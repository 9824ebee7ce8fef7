package import CertRegCore

/// Counts the results of a command, and collects its advice and exit status.
package struct Tally {
  private var counts: [(outcome: String, count: Int)] = []
  private var advice: [String] = []
  private var statuses: Set<CommandStatus> = []
  /// The number of results.
  package private(set) var total = 0

  private let status: CertificateStatus?
  private let targets: [String]

  /// - Parameters:
  ///   - status: The status that the command line names, for advice.
  ///   - targets: The targets that the command line names, for advice.
  package init(status: CertificateStatus? = nil, targets: [String] = []) {
    self.status = status
    self.targets = targets
  }

  /// Counts one result.
  package mutating func add(_ line: ResultLine, status: CommandStatus? = nil, advice: String? = nil) {
    total += 1
    if let index = counts.firstIndex(where: { $0.outcome == line.outcome }) {
      counts[index].count += 1
    } else {
      counts.append((line.outcome, 1))
    }
    if let status = status ?? line.error?.exitStatus { statuses.insert(status) }
    add(advice: advice ?? line.error.flatMap { Advice.about($0, status: self.status, targets: targets) })
  }

  /// Adds a failure that belongs to no single certificate.
  package mutating func add(status: CommandStatus) {
    statuses.insert(status)
  }

  /// Adds advice that belongs to no failure, or to one beside the error of a result.
  mutating func add(advice text: String?) {
    if let text, !advice.contains(text), advice.count < 8 { advice.append(text) }
  }

  /// The order in which outcomes are printed. Others follow, and failures are last.
  static let order = ["created", "existing", "updated", "cached", "queued", "valid", "duplicate"]

  /// `12 certificates: 9 created, 2 existing, 1 failed`, or `1 certificate in 2 targets: 1 created, 1 failed`.
  ///
  /// - Parameters:
  ///   - noun: What a thing is called.
  ///   - plural: What several are called; `nil`: `noun` with an s.
  ///   - count: How many things have these results; `nil`: one for each result.
  ///   - targets: In how many targets.
  package func summary(
    noun: String = "certificate", plural: String? = nil, count: Int? = nil, targets: Int = 1
  ) -> TerminalText {
    let number = count ?? total
    let known = Tally.order.flatMap { word in counts.filter { $0.outcome == word } }
    let ordered =
      known + counts.filter { !Tally.order.contains($0.outcome) && $0.outcome != "failed" }
      + counts.filter { $0.outcome == "failed" }
    var text: TerminalText = "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
    if targets > 1 { text += " in \(targets) targets" }
    for (index, entry) in ordered.enumerated() {
      let part = "\(entry.count) \(entry.outcome)"
      text += "\(index == 0 ? ": " : ", ")\(part, entry.outcome == "failed" ? .red : .plain)"
    }
    return text
  }

  /// The advice about the failures, without repetitions.
  package var advices: [String] { advice }

  /// How the command ends.
  package var exitStatus: CommandStatus {
    CommandStatus.combining(statuses)
  }
}
