/// What is known of one key of the configuration: the documentation, the names of variables and the detection of slips
/// all come from here, and these come from the schema.
package struct KeyDescription: Hashable, Sendable {
  /// `socket.window`; of a target `targets.NAME.region`, of a rule `access.rules[].user`.
  package var path: String
  /// What may be written, as Markdown.
  package var type: String
  /// As `--print-config` writes it.
  package var defaultText: String
  /// What it does, as Markdown.
  package var documentation: String
  /// The variable that overrides it, without `$`; `nil`: none does.
  package var variable: String?
  /// Whether a new value takes effect at a reload; the others wait for a restart.
  package var takesEffectAtReload: Bool
  var role: ValueRole

  /// The last word of the path.
  package var name: String {
    String(path.split(separator: ".").last ?? "")
  }
}
