/// The array in the member `target` of a request: its place in the line.
package struct TargetsText: Hashable, Sendable {
  /// The array with its brackets, as offsets into the line.
  package var range: Range<Int>
  /// How many names it has: 1 to ``LineParser/maxTargets``.
  package var count: Int

  /// The names in the order in which they were written.
  ///
  /// - Parameter line: The line that the request was parsed from. It stays valid and unchanged while the result is
  ///   used.
  package func names(in line: UnsafeRawBufferPointer) -> StringsText {
    StringsText(range, count: count, in: line)
  }
}
