extension Double {
  /// The nearest whole number; `nil` for infinities, for what is not a number, and for numbers that an `Int` does not
  /// hold.
  ///
  /// Numbers in answers, metrics and files can be of any size. `Int(_: Double)` traps on them; this is the one
  /// conversion to use.
  package var wholeNumber: Int? {
    Int(exactly: rounded())
  }
}
