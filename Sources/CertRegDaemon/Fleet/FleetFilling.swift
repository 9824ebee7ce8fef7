import CertRegCore
import CertRegStore

/// Completes batches with what is on disk. On the link's thread.
struct FleetFilling: Sendable {
  var store: any RegistrationStore
  /// The results that have to be read, with the keys that the store has them under.
  var unread: [FleetKey: RegistrationKey]

  /// Reads results. Those that are gone, or cannot be read, are left out.
  ///
  /// - Returns: Whether all could be read.
  func fill(_ batch: inout FleetBatch) -> Bool {
    var isComplete = true
    batch.results = batch.results.compactMap { result in
      guard let stored = unread[result.key] else { return result }
      do throws(StoreError) {
        guard let registration = try store.registration(for: stored) else { return nil }
        var filled = result
        filled.content = SharedResult.Content(registration)
        return filled
      } catch {
        isComplete = false
        return nil
      }
    }
    return isComplete
  }
}
