import CertRegCore

/// Runs calls of upstreams, each in a task of one group. How many there are at once is the registrar's decision.
struct UpstreamCalls: Sendable {
  private struct Order: Sendable {
    var client: any UpstreamClient
    var call: UpstreamCall
    var completion: @Sendable (UpstreamReply) -> Void
  }

  private let orders: AsyncStream<Order>
  private let entrance: AsyncStream<Order>.Continuation

  init() {
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
    await withDiscardingTaskGroup { group in
      for await order in orders {
        group.addTask {
          order.completion(await order.client.registerCertificateWithoutCA(order.call))
        }
      }
    }
  }

  func finish() {
    entrance.finish()
  }
}
