/// Writes Prometheus' text exposition format, version 0.0.4.
struct Exposition {
  private(set) var text = ""

  /// Begins a family of samples. `name` is whole: `certregd_…` or `process_…`.
  mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(Self.number(value))\n"
  }

  /// A family of one sample.
  mutating func single(_ name: String, _ type: String, _ help: String, _ value: Double) {
    family(name, type, help)
    sample(name, [], value)
  }

  /// The samples of one histogram of a family.
  mutating func histogram(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
    var sum = 0
    for (index, count) in histogram.counts.enumerated() {
      sum += count
      let bound = index < Histogram.bounds.count ? Self.number(Histogram.bounds[index]) : "+Inf"
      sample("\(name)_bucket", labels + [("le", bound)], Double(sum))
    }
    sample("\(name)_sum", labels, histogram.sumSeconds)
    sample("\(name)_count", labels, Double(sum))
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int(exactly: value) { return "\(whole)" }
    return "\(value)"
  }
}
