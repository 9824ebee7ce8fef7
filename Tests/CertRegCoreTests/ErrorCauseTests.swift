import CertRegCore
import Testing

@Suite struct ErrorCauseTests {
  @Test func `a cause holds no secret, neither one that is known nor one that looks like one`() {
    var secrets = SecretMask()
    secrets.add("hunter2-and-more")
    let text = "connect(hunter2-and-more): refused, AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    #expect(
      ErrorCause(text, secrets: secrets).description
        == "connect([removed]): refused, [removed] [removed]")
    #expect(ErrorCause("connect(hunter2-and-more)").masked(with: secrets).description == "connect([removed])")
  }

  @Test(arguments: ["x", "ä", "€", "😀"])
  func `a long cause is cut between characters`(character: String) {
    let whole = String(repeating: character, count: ErrorCause.limitBytes / character.utf8.count)
    #expect(ErrorCause(whole).description == whole)
    #expect(ErrorCause(whole + character).description == whole + "…")
  }

  @Test func `an error that ends a wait keeps the cause of the last one`() {
    let last = ServiceError(StoreError(.failed, message: "disk I/O error (SQLite code 778)"))
    #expect(last.cause?.description == "disk I/O error (SQLite code 778)")
    #expect(ServiceError.queueExpired(lastError: last).cause == last.cause)
    #expect(ServiceError.deadlineExceeded(lastError: last).cause == last.cause)
  }
}
