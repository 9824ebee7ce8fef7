/// The version of this program: one value for every executable, the `status` operation and the packages.
package enum Version {
  /// Semantic Versioning 2.0.0.
  package static let current = "0.1.0"
}
