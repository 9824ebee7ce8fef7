/// Where a value came from, or where a problem is.
package enum SettingOrigin: Hashable, Sendable {
  case builtIn
  /// A line of the configuration file; lines and columns count from 1. No line: the file as a whole.
  case file(path: String, line: Int?, column: Int?)
  /// An environment variable, without `$`.
  case variable(String)
  /// A flag of the command line, with its dashes.
  case flag(String)
}

extension SettingOrigin: CustomStringConvertible {
  /// `default`, `/etc/certregd/config.yaml:12`, `$CERTREGD_SOCKET` or `--socket`.
  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line?, _): "\(escapedForTerminal(path)):\(line)"
    case .file(let path, nil, _): escapedForTerminal(path)
    case .variable(let name): "$\(escapedForTerminal(name))"
    case .flag(let name): name
    }
  }
}
