import CertRegCore
import NIOCore

/// Runs calls of upstreams, each in a task of one group. How many there are at once is the registrar's decision.
struct UpstreamCalls: Sendable {
  private struct Order: Sendable {
    var client: any UpstreamClient
    var call: UpstreamCall
    var completion: @Sendable (UpstreamReply) -> Void
  }

  private let orders: AsyncStream<Order>
  private let entrance: AsyncStream<Order>.Continuation

  private let executor: LoopExecutor
  private let demand: AnswerDemand

  /// - Parameter loop: Where calls run: the loop of their connections, so that none of their steps wakes another thread.
  init(on loop: any EventLoop, demand: AnswerDemand) {
    self.demand = demand
    executor = LoopExecutor(loop: loop)
    (orders, entrance) = AsyncStream.makeStream()
  }

  /// Makes a call; `completion` gets its end on an arbitrary thread.
  func make(
    _ call: UpstreamCall, on client: any UpstreamClient, completion: @escaping @Sendable (UpstreamReply) -> Void
  ) {
    entrance.yield(Order(client: client, call: call, completion: completion))
  }

  /// Carries out calls until `finish`, and then until the last one has ended.
  func run() async {
    await withTaskExecutorPreference(executor) {
      await withDiscardingTaskGroup { group in
        for await order in orders {
          group.addTask { [demand] in
            demand.giveWay()
            order.completion(await order.client.registerCertificateWithoutCA(order.call))
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
