import CertRegCore
import CertRegFleet
import Dispatch
import Synchronization

/// The way to the fleet's database: a serial queue, which may wait for it.
final class FleetLink: Sendable {
  private let queue = DispatchQueue(label: "certregd.fleet", qos: .userInitiated)
  /// Only work on `queue` takes it. The mutex makes the type Sendable.
  private let database: Mutex<FleetDatabase>

  init(_ location: FleetLocation, _ identity: FleetIdentity) {
    database = Mutex(FleetDatabase(location, identity))
  }

  /// Enters the fleet; `completion` is called on the link's queue.
  func join(
    sent: Int64, ownSequences: Int64, completion: @escaping @Sendable (Result<FleetWelcome, FleetProblem>) -> Void
  ) {
    queue.async {
      completion(
        self.database.withLock { database in
          do throws(FleetProblem) {
            return .success(try database.join(sent: sent, ownSequences: ownSequences))
          } catch {
            return .failure(error)
          }
        })
    }
  }

  /// Completes a batch with `fill`, exchanges it, and calls `completion` on the link's queue. `isComplete` is what `fill`
  /// returned.
  func exchange(
    _ batch: FleetBatch, fill: @escaping @Sendable (inout FleetBatch) -> Bool,
    completion: @escaping @Sendable (FleetBatch, _ isComplete: Bool, Result<FleetReply, FleetProblem>) -> Void
  ) {
    queue.async {
      var batch = batch
      let isComplete = fill(&batch)
      let result: Result<FleetReply, FleetProblem> = self.database.withLock { database in
        do throws(FleetProblem) { return .success(try database.exchange(batch)) } catch { return .failure(error) }
      }
      completion(batch, isComplete, result)
    }
  }

  /// Closes the connection, behind what is under way.
  func close() { queue.async { self.database.withLock { $0.close() } } }
}
