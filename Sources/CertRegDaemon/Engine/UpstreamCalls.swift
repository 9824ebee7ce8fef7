import CertRegCore
import NIOCore

/// Runs calls of upstreams, each in a task of one group. How many there are at once is the registrar's decision.
struct UpstreamCalls: Sendable {
  /// Takes the end of a call, and where the upstream was that was called; `nil`: none was. Without a reply the call was
  /// not made, since its target points elsewhere than it has to go.
  typealias Completion = @Sendable (UpstreamReply?, UpstreamLocation?) -> Void

  private struct Order: Sendable {
    var client: any UpstreamClient
    var call: UpstreamCall
    var completion: Completion
  }

  private let orders: AsyncStream<Order>
  private let entrance: AsyncStream<Order>.Continuation
  private let executor: LoopExecutor
  private let client: @Sendable (TargetName) -> (any UpstreamClient)?
  private let givingWay: GivingWay

  /// - Parameters:
  ///   - client: The upstream of a target; `nil`: the target is not configured.
  ///   - loop: Where calls run: the loop of their connections, so that none of their steps wakes another thread.
  init(
    on loop: any EventLoop, givingWay: GivingWay, client: @escaping @Sendable (TargetName) -> (any UpstreamClient)?
  ) {
    self.client = client
    self.givingWay = givingWay
    executor = LoopExecutor(loop: loop)
    (orders, entrance) = AsyncStream.makeStream()
  }

  /// Makes a call; `completion` gets its end on an arbitrary thread.
  func make(_ call: UpstreamCall, in target: TargetName, completion: @escaping Completion) {
    guard let client = client(target) else {
      // A reload took the target away between the decision and this call.
      let error = ServiceError(
        .serviceUnavailable, reason: .unknownTarget, message: "the target is no longer configured", retryable: true)
      completion(.failed(UpstreamFailure(error: error, disposition: .unavailable(retryAfter: nil))), nil)
      return
    }
    if let home = call.home, home.location != client.location { return completion(nil, nil) }
    entrance.yield(Order(client: client, call: call, completion: completion))
  }

  /// Carries out calls until `finish`, and then until the last one has ended.
  func run() async {
    await withTaskExecutorPreference(executor) {
      await withDiscardingTaskGroup { group in
        for await order in orders {
          group.addTask { [givingWay] in
            givingWay.giveWay()
            order.completion(await order.client.perform(order.call), order.client.location)
          }
        }
      }
    }
  }

  func finish() {
    entrance.finish()
  }
}

/// Runs tasks on an event loop.
private final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(loop: any EventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
