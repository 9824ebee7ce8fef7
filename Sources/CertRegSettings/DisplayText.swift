import CertRegCore

/// `text` with everything that could steer a terminal, break a line or hide text written as `\u{…}`.
func escapedForTerminal(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars {
    if isPrintable(scalar) {
      shown.unicodeScalars.append(scalar)
    } else {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    }
  }
  return shown
}

/// `text` in quotes for a message: without anything that looks like a secret, escaped, and cut if it is long.
func quoted(_ text: String, limit: Int = 60) -> String {
  "\"\(shown(text, limit: limit))\""
}

/// `text` for a message: without anything that looks like a secret, escaped, and cut if it has more characters than
/// `limit`.
func shown(_ text: String, limit: Int) -> String {
  let text = SecretMask().masked(text)
  let scalars = text.unicodeScalars
  if scalars.count <= limit { return escapedForTerminal(text) }
  return "\(escapedForTerminal(String(String.UnicodeScalarView(scalars.prefix(limit)))))…"
}

/// Whether a character may be shown and written as itself: not a control, format (bidirectional marks among them),
/// surrogate, private or unassigned character, and no line or paragraph separator.
func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
  default: true
  }
}
