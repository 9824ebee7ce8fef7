/// What one connection owes its client: which answers are outstanding, in which order those without an `id` leave, and
/// when to go on reading or to close. Pure: lines and answers go in, bytes to write come out.
struct ConnectionState {
  /// Stands for a request until it is answered.
  struct Ticket: Hashable, Sendable {
    fileprivate var number: UInt64
    fileprivate var isOrdered: Bool
    fileprivate var isEndless: Bool
    fileprivate var isLong: Bool
    /// What the request takes of the connection's budget.
    fileprivate var bytes: Int
  }

  /// An answer that waits for earlier ones without an `id`; `nil`: not there yet.
  private struct Ordered {
    var ticket: Ticket
    var answer: [UInt8]?
  }

  /// Long answers that may be on their way: a client that does not read could make the daemon keep as many as the window allows.
  private static let mostLong = 2

  private let window: Int
  private let maxBytesUnderWay: Int
  private var nextNumber: UInt64 = 0
  private var ordered: [Ordered] = []
  private var endless: [Ticket] = []
  private(set) var unanswered = 0
  private var longUnanswered = 0
  private(set) var bytesUnderWay = 0
  /// The client sends no more.
  var inputClosed = false
  /// No further line is taken: the client broke the rules.
  var isEnding = false

  init(window: Int, maxBytesUnderWay: Int) {
    self.window = window
    self.maxBytesUnderWay = maxBytesUnderWay
  }

  /// Whether the next line may be taken.
  var mayTakeLine: Bool {
    !isEnding && unanswered < window && (bytesUnderWay < maxBytesUnderWay || unanswered == 0)
      && longUnanswered < ConnectionState.mostLong
  }

  /// Whether an answer that is ready now may be written at once: not where an earlier request without `id` still waits.
  func mayAnswerAtOnce(hasID: Bool) -> Bool {
    hasID || ordered.isEmpty
  }

  /// A request was taken that is answered later.
  ///
  /// - Parameters:
  ///   - bytes: What it takes of the connection's budget.
  ///   - isEndless: It has lines for as long as there is somebody to read them.
  ///   - isLong: Its answer is much longer than it.
  mutating func begin(hasID: Bool, bytes: Int, isEndless: Bool = false, isLong: Bool = false) -> Ticket {
    // What has no end has no place in an order: all behind it would wait for ever.
    let isOrdered = !hasID && !isEndless
    let ticket = Ticket(number: nextNumber, isOrdered: isOrdered, isEndless: isEndless, isLong: isLong, bytes: bytes)
    nextNumber += 1
    unanswered += 1
    if isLong { longUnanswered += 1 }
    bytesUnderWay += bytes
    if isOrdered { ordered.append(Ordered(ticket: ticket, answer: nil)) }
    if isEndless { endless.append(ticket) }
    return ticket
  }

  /// The answer is there; `write` gets what may leave now.
  mutating func finish(_ ticket: Ticket, answer: [UInt8], write: ([UInt8]) -> Void) {
    if ticket.isEndless {
      guard let index = endless.firstIndex(of: ticket) else { return }
      endless.remove(at: index)
    }
    guard ticket.isOrdered else {
      release(ticket)
      write(answer)
      return
    }
    guard let index = ordered.firstIndex(where: { $0.ticket == ticket }) else { return }
    ordered[index].answer = answer
    var leaving = 0
    // What its request took it keeps until then.
    while leaving < ordered.count, let answer = ordered[leaving].answer {
      release(ordered[leaving].ticket)
      write(answer)
      leaving += 1
    }
    ordered.removeFirst(leaving)
  }

  /// Nobody reads any more: what has no end of its own ends now.
  mutating func abandonEndless() {
    for ticket in endless { finish(ticket, answer: []) { _ in } }
  }

  private mutating func release(_ ticket: Ticket) {
    unanswered -= 1
    bytesUnderWay -= ticket.bytes
    if ticket.isLong { longUnanswered -= 1 }
  }

  /// Whether everything is answered that ever will be.
  func isFinished(hasBufferedLines: Bool) -> Bool {
    unanswered == 0 && inputClosed && !hasBufferedLines
  }
}
