import CertRegCore
import NIOCore

/// What a reply came from.
struct ReplyOrigin: Sendable {
  /// Where the upstream was that was called.
  var location: UpstreamLocation
  /// Whose keys signed the call: see ``TargetHomes/Note/signer``; `nil`: not known.
  var signer: String?
}

/// Runs calls of upstreams, each in a task of one group. How many there are at once is the registrar's decision.
struct UpstreamCalls: Sendable {
  /// Takes the end of a call, and what the reply came from; `nil`: no upstream was called. Without a reply the call was
  /// not made, since its target points elsewhere than it has to go.
  typealias Completion = @Sendable (UpstreamReply?, ReplyOrigin?) -> Void

  private typealias Order = @Sendable () async -> Void

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
    guard let client = client(target) else { return completion(.failed(Self.noTarget), nil) }
    if let home = call.home, home.location != client.location { return completion(nil, nil) }
    entrance.yield {
      let (reply, signer) = await client.signedReply(to: call)
      completion(reply, ReplyOrigin(location: client.location, signer: signer))
    }
  }

  /// Has `body` ask the upstream of a target. If none can be asked, `refused` gets the reason.
  func ask(
    _ target: TargetName, refused: (ServiceError) -> Void,
    _ body: @escaping @Sendable (any UpstreamClient) async -> Void
  ) {
    guard let client = client(target) else { return refused(Self.noTarget.error) }
    if case .terminated = entrance.yield({ await body(client) }) { refused(.draining) }
  }

  /// A reload took the target away between the decision and the call.
  private static let noTarget = UpstreamFailure(
    error: ServiceError(
      .serviceUnavailable, reason: .unknownTarget, message: "the target is no longer configured", retryable: true),
    disposition: .unavailable(retryAfter: nil))

  /// Carries out calls until `finish`, and then until the last one has ended.
  func run() async {
    await withTaskExecutorPreference(executor) {
      await withDiscardingTaskGroup { group in
        for await order in orders {
          group.addTask { [givingWay] in
            givingWay.giveWay()
            await order()
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
