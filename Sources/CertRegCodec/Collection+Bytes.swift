extension Collection<UInt8> {
  /// Lends the bytes in one piece, so that the readers need no generic code. Bytes that lie apart are copied.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    if let result = withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) { return result }
    return Array(self).withUnsafeBytes(body)
  }
}
