/// The histograms in Prometheus' text exposition format.
package struct Exposition: Sendable {
  private var counts: [Substring: Double] = [:]
  private var buckets: [Substring: Double] = [:]

  /// Reads the samples that are named like those of histograms of seconds.
  package init(_ text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") && line.contains("_seconds_") {
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { continue }
      let name = line[..<space]
      if name.contains("_seconds_bucket{") {
        buckets[name] = value
      } else if name.contains("_seconds_count") {
        counts[name] = value
      }
    }
  }

  /// The number of measurements of `family`, over all labels or for one label's value; `nil` where there is no such
  /// family.
  package func count(_ family: String, label: String? = nil, is value: String = "") -> Double? {
    let name = family + "_count"
    let found = counts.filter { key, _ in
      guard key.hasPrefix(name), key.dropFirst(name.count).first.map({ $0 == "{" }) ?? true else { return false }
      return label.map { key.contains("\($0)=\"\(value)\"") } ?? true
    }
    return found.isEmpty ? nil : found.values.reduce(0, +)
  }

  /// A quantile of the measurements of `family` since `earlier`, in seconds. Measurements count as evenly spread over
  /// their bucket, as in Prometheus. `nil` where nothing was measured.
  package func quantile(_ share: Double, _ family: String, since earlier: Exposition?) -> Double? {
    let before = earlier?.bounds(family) ?? [:]
    // Each bucket counts all measurements up to its bound.
    let counts = bounds(family).map { (bound: $0.key, count: $0.value - (before[$0.key] ?? 0)) }.sorted {
      $0.bound < $1.bound
    }
    guard let all = counts.last?.count, all > 0 else { return nil }
    let rank = share * all
    var lower = (bound: 0.0, count: 0.0)
    for bucket in counts {
      if bucket.count >= rank {
        guard bucket.bound.isFinite, bucket.count > lower.count else { return lower.bound }
        return lower.bound + (bucket.bound - lower.bound) * (rank - lower.count) / (bucket.count - lower.count)
      }
      lower = bucket
    }
    return nil
  }

  private func bounds(_ family: String) -> [Double: Double] {
    let name = family + "_bucket{"
    let label = "le=\""
    var bounds: [Double: Double] = [:]
    for (key, value) in buckets where key.hasPrefix(name) {
      guard let start = key.firstRange(of: label)?.upperBound else { continue }
      let text = key[start...].prefix { $0 != "\"" }
      guard let bound = text == "+Inf" ? .infinity : Double(text) else { continue }
      bounds[bound, default: 0] += value
    }
    return bounds
  }
}
