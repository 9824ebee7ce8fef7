import ArgumentParser
import CertRegClient

struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Prints a completion script for a shell.",
    discussion: """
        certregctl completions bash > /etc/bash_completion.d/certregctl
        certregctl completions zsh > "${fpath[1]}/_certregctl"
        certregctl completions fish > ~/.config/fish/completions/certregctl.fish
      """)

  /// The supported shells.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash
    case zsh
    case fish
  }

  @Argument(help: "bash, zsh or fish.")
  var shell: Shell

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    let console = Console.standard(environment: Environment.current)
    console.printVerbatim(CertRegCtl.completionScript(for: kind))
    try console.end(.success)
  }
}
