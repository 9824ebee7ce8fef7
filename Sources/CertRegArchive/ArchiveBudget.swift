/// Counts what an archive costs, together with all archives in it.
final class ArchiveBudget {
  let limits: ArchiveLimits
  let memory = ArchiveAllowance()
  /// Bytes of the outermost source. Archives that are read from both ends can count a byte twice.
  private var packedBytes = 0
  /// Bytes that came out of decompression at all depths.
  private var unpackedBytes = 0

  init(_ limits: ArchiveLimits) {
    self.limits = limits
  }

  func countPacked(_ bytes: Int) {
    packedBytes = packedBytes.addingReportingOverflow(bytes).partialValue
  }

  /// - Throws: `tooLarge` where the unpacked bytes exceed the limits.
  func countUnpacked(_ bytes: Int) throws(ArchiveError) {
    let (sum, overflows) = unpackedBytes.addingReportingOverflow(bytes)
    guard !overflows, sum <= limits.contentBytes else { throw ArchiveError(.tooLarge) }
    unpackedBytes = sum
    guard sum <= limits.freeBytes || sum / limits.ratio <= packedBytes else { throw ArchiveError(.tooLarge) }
  }
}
