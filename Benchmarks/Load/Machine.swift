import Foundation

/// What the figures were measured on.
enum Machine {
  static var description: String {
    let cpu = value("model name", in: "/proc/cpuinfo") ?? "unknown processor"
    let memory = value("MemTotal", in: "/proc/meminfo") ?? "unknown memory"
    let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "?"
    let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? "?"
    return """
      machine                  \(cpu), \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory)
      kernel                   \(kernel.trimmingCharacters(in: .whitespacesAndNewlines))
      load before              \(load.split(separator: " ").prefix(3).joined(separator: " "))
      """
  }

  private static func value(_ name: String, in path: String) -> String? {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  }
}
