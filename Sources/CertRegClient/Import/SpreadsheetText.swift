// Spreadsheets calculate a cell that begins like a formula, whether or not it is quoted, and a formula can send what
// other cells hold elsewhere. Names in a source are the manufacturer's. OWASP ("CSV Injection") and ASVS 1.2.10 put an
// apostrophe in front of such a cell, which makes it a text.
extension String {
  /// Whether the text begins like a formula behind `apostrophes` or more of them. Control characters, which some
  /// programs pass over, are no concern here: reports have them in an escaped form.
  private func isLikeFormula(behind apostrophes: Int) -> Bool {
    let rest = unicodeScalars.drop { $0 == "'" }
    guard let first = rest.first, unicodeScalars.count - rest.count >= apostrophes else { return false }
    // Excel reads the wide forms of East Asian keyboards as the usual ones.
    return "=+-@＝＋－＠".unicodeScalars.contains(first)
  }

  /// The text as a cell that no spreadsheet takes for a formula. A text that begins like such a cell gets another
  /// apostrophe, so that ``withoutFormulaGuard`` gives back every text exactly.
  var guardedFromFormulas: String { isLikeFormula(behind: 0) ? "'" + self : self }

  /// The text that a cell was made of.
  var withoutFormulaGuard: String { isLikeFormula(behind: 1) ? String(unicodeScalars.dropFirst()) : self }
}
