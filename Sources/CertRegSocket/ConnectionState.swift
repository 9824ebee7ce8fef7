/// The requests of one connection: which answers are outstanding, in which order those without an `id` leave, and when
/// to read on or to close. Pure: lines and answers go in, bytes to write come out. Each event costs a constant amount
/// on average.
struct ConnectionState {
  /// Stands for a request until it is answered.
  struct Ticket: Hashable, Sendable {
    fileprivate var number: UInt64
    /// Place in the order of requests without an `id`; `nil`: the answer may leave at any time.
    fileprivate var place: Int?
    fileprivate var isEndless: Bool
    fileprivate var isLong: Bool
    /// The request's share of the connection's budget.
    fileprivate var bytes: Int
  }

  /// An answer that waits for the answers of earlier requests without an `id`; `nil`: not known yet.
  private struct Ordered {
    var ticket: Ticket
    var answer: [UInt8]?
  }

  /// Requests with long answers under way at once: a client that does not read could make the daemon keep a window of
  /// them.
  private static let mostLong = 2
  /// Watches of one connection. Each costs something at the end of every registration, of whatever client.
  static let mostEndless = 8

  /// Most requests under way.
  var window: Int
  /// Most bytes of requests under way; one request is taken whatever its size.
  var maxBytesUnderWay: Int
  private var nextNumber: UInt64 = 0
  /// Empty when every answer has left, so that an idle connection has no memory for it.
  private var ordered: [Ordered] = []
  /// How many at the start of `ordered` have left.
  private var leftCount = 0
  /// Place of the first of `ordered`.
  private var firstPlace = 0
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

  /// Whether a further request without end may be taken.
  var mayBeginEndless: Bool { endless.count < ConnectionState.mostEndless }

  /// Whether an answer that is ready now may be written at once: not where an earlier request without `id` still waits.
  func mayAnswerAtOnce(hasID: Bool) -> Bool {
    hasID || ordered.isEmpty
  }

  /// A request was taken that is answered later.
  ///
  /// - Parameters:
  ///   - bytes: Its share of the connection's budget.
  ///   - isEndless: It is answered with lines until the connection ends.
  ///   - isLong: Its answer is much longer than the request.
  mutating func begin(hasID: Bool, bytes: Int, isEndless: Bool = false, isLong: Bool = false) -> Ticket {
    // A `watch` has no place in the order: all later requests would wait forever.
    let place = hasID || isEndless ? nil : firstPlace + ordered.count
    let ticket = Ticket(number: nextNumber, place: place, isEndless: isEndless, isLong: isLong, bytes: bytes)
    nextNumber += 1
    unanswered += 1
    if isLong { longUnanswered += 1 }
    bytesUnderWay += bytes
    if place != nil { ordered.append(Ordered(ticket: ticket, answer: nil)) }
    if isEndless { endless.append(ticket) }
    return ticket
  }

  /// A request is answered; `write` gets the answers that may leave now.
  mutating func finish(_ ticket: Ticket, answer: [UInt8], write: ([UInt8]) -> Void) {
    if ticket.isEndless {
      guard let index = endless.firstIndex(of: ticket) else { return }
      endless.remove(at: index)
    }
    guard let place = ticket.place else {
      release(ticket)
      write(answer)
      return
    }
    let index = place - firstPlace
    guard index >= leftCount, index < ordered.count, ordered[index].answer == nil else { return }
    ordered[index].answer = answer
    // An answer that waits keeps its request's share of the budget until it leaves.
    while leftCount < ordered.count, let answer = ordered[leftCount].answer {
      ordered[leftCount].answer = nil
      release(ordered[leftCount].ticket)
      leftCount += 1
      write(answer)
    }
    dropWhatLeft()
  }

  /// Drops answers that have left, half of them at least, so that each is moved once on average.
  private mutating func dropWhatLeft() {
    guard leftCount > 0, leftCount * 2 >= ordered.count else { return }
    firstPlace += leftCount
    if leftCount == ordered.count { ordered = [] } else { ordered.removeFirst(leftCount) }
    leftCount = 0
  }

  /// The client is gone, or broke the rules: requests without end are over.
  mutating func abandonEndless() {
    for ticket in endless { finish(ticket, answer: []) { _ in } }
  }

  private mutating func release(_ ticket: Ticket) {
    unanswered -= 1
    bytesUnderWay -= ticket.bytes
    if ticket.isLong { longUnanswered -= 1 }
  }

  /// Whether every request is answered and no further one can come.
  func isFinished(hasBufferedLines: Bool) -> Bool {
    unanswered == 0 && inputClosed && !hasBufferedLines
  }
}
