import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct SandboxRegisterTests {
  private var register = SandboxRegister(account: SandboxAccount())
  private let now = ManualClock.start

  // MARK: Registration

  @Test(
    arguments: [(nil, .inactive), (.active, .active), (.inactive, .inactive), (.revoked, .revoked)]
      as [(CertificateStatus?, CertificateStatus)])
  mutating func `registers with the requested status, and as INACTIVE without one`(
    asked: CertificateStatus?, kept: CertificateStatus
  ) throws {
    try register.register(certificate(1), status: asked)
    let found = try register.describe(certificate(1).id)
    #expect(found.status == kept)
    #expect(found.der == certificate(1).der)
    #expect(found.createdAt == now)
    #expect(found.lastModifiedAt == now)
    #expect(register.count == 1)
  }

  @Test(arguments: [CertificateStatus.pendingTransfer, .registerInactive, .pendingActivation])
  func `refuses the statuses that AWS keeps to itself`(status: CertificateStatus) {
    let expected = SandboxError(
      .certificateState, "Not allowed to register certificate with \(status.rawValue) status")
    #expect(throws: expected) {
      try register.registration(of: certificate(1), status: status, at: now, generationID: UniqueID(1, 2))
    }
  }

  @Test(arguments: CertificateStatus.allCases.filter { (try? SandboxRegister.checkRegistrable($0)) != nil })
  mutating func `names the certificate that is there already`(status: CertificateStatus) throws {
    try register.register(certificate(1), status: .active)
    let id = certificate(1).id
    let expected = SandboxError(
      .resourceAlreadyExists, "The certificate is already provisioned or registered", resourceID: id.hex,
      resourceARN: "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)")
    let register = register
    #expect(throws: expected) {
      try register.registration(of: certificate(1), status: status, at: now, generationID: UniqueID(3, 4))
    }
  }

  @Test func `checking a registration registers nothing`() throws {
    _ = try register.registration(of: certificate(1), status: nil, at: now, generationID: UniqueID(1, 2))
    #expect(register.count == 0)
    #expect(throws: SandboxError.self) { try register.describe(certificate(1).id) }
  }

  @Test(arguments: [
    ("eu-central-1", "aws"), ("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"),
    ("eusc-de-east-1", "aws-eusc"), ("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b"),
  ])
  func `puts ARNs into the region's partition`(region: String, partition: String) {
    let account = SandboxAccount(region: region, id: "000000000001")
    let id = certificate(1).id
    #expect(account.arn(of: id) == "arn:\(partition):iot:\(region):000000000001:cert/\(id.hex)")
  }

  // MARK: Update and deletion

  @Test(arguments: [CertificateStatus.active, .inactive, .revoked], [CertificateStatus.active, .inactive, .revoked])
  mutating func `changes any status into any other, but for that of a revoked certificate`(
    from: CertificateStatus, to: CertificateStatus
  ) throws {
    try register.register(certificate(1), status: from)
    let later = now + .seconds(5)
    if from == .revoked, to != .revoked {
      let register = register
      let error = #expect(throws: SandboxError.self) {
        try register.statusChange(of: certificate(1).id, to: to, at: later)
      }
      #expect(error?.kind == .certificateState)
      return
    }
    register.apply(try register.statusChange(of: certificate(1).id, to: to, at: later))
    let found = try register.describe(certificate(1).id)
    #expect(found.status == to)
    #expect(found.createdAt == now)
    #expect(found.lastModifiedAt == later)
  }

  @Test(arguments: [CertificateStatus.pendingTransfer, .registerInactive, .pendingActivation])
  mutating func `does not update to a status that AWS keeps to itself`(status: CertificateStatus) throws {
    try register.register(certificate(1), status: .active)
    let register = register
    let error = #expect(throws: SandboxError.self) {
      try register.statusChange(of: certificate(1).id, to: status, at: now)
    }
    #expect(error?.kind == .certificateState)
  }

  @Test(arguments: [false, true])
  mutating func `does not delete an active certificate`(forced: Bool) throws {
    try register.register(certificate(1), status: .active)
    let register = register
    let error = #expect(throws: SandboxError.self) { try register.deletion(of: certificate(1).id, forced: forced) }
    #expect(error?.kind == .certificateState)
    #expect(register.count == 1)
  }

  @Test(arguments: [CertificateStatus.inactive, .revoked])
  mutating func `deletes, and takes the certificate again afterwards`(status: CertificateStatus) throws {
    try register.register(certificate(1), status: status)
    register.apply(try register.deletion(of: certificate(1).id, forced: false))
    #expect(register.count == 0)
    try register.register(certificate(1), status: .active)
    #expect(try register.describe(certificate(1).id).status == .active)
  }

  @Test func `reports unknown certificates as not found`() {
    let id = certificate(1).id
    let errors = [
      #expect(throws: SandboxError.self) { try register.describe(id) },
      #expect(throws: SandboxError.self) { try register.statusChange(of: id, to: .active, at: now) },
      #expect(throws: SandboxError.self) { try register.deletion(of: id, forced: true) },
    ]
    #expect(errors.allSatisfy { $0?.kind == .resourceNotFound })
  }

  // MARK: Lists

  @Test(arguments: [true, false], [1, 2, 3, 7, 10, 250])
  mutating func `lists every certificate once, page by page`(ascending: Bool, size: Int) throws {
    for number in 0..<10 { try register.register(certificate(number)) }
    var ids: [CertificateID] = []
    var marker: PageMarker?
    repeat {
      let page = register.page(PageRequest(size: size, after: marker, ascending: ascending))
      #expect(page.elements.count <= size)
      #expect(!page.elements.isEmpty)
      ids += page.elements.map(\.id)
      marker = page.next
    } while marker != nil
    let expected = (0..<10).map { certificate($0).id }
    #expect(ids == (ascending ? expected : expected.reversed()))
  }

  @Test func `an empty register has one empty page`() {
    let page = register.page(PageRequest(size: 25, after: nil, ascending: false))
    #expect(page.elements.isEmpty)
    #expect(page.next == nil)
  }

  @Test mutating func `a page begins at the end of the last one, whatever changed in between`() throws {
    for number in 0..<6 { try register.register(certificate(number)) }
    let first = register.page(PageRequest(size: 2, after: nil, ascending: true))
    register.apply(.delete(certificate(1).id))
    register.apply(.delete(certificate(2).id))
    try register.register(certificate(6))
    let second = register.page(PageRequest(size: 10, after: first.next, ascending: true))
    #expect(second.elements.map(\.id) == [3, 4, 5, 6].map { certificate($0).id })
  }

  // MARK: Against a model

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `agrees with a list that is searched from end to end`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var register = SandboxRegister(account: SandboxAccount())
    var model: [(id: CertificateID, status: CertificateStatus)] = []
    for _ in 0..<300 {
      let subject = certificate(Int.random(in: 0..<30, using: &generator))
      let status = [CertificateStatus.active, .inactive, .revoked].randomElement(using: &generator) ?? .active
      let position = model.firstIndex { $0.id == subject.id }
      switch Int.random(in: 0..<3, using: &generator) {
      case 0:
        let succeeded = (try? register.register(subject, status: status)) != nil
        #expect(succeeded == (position == nil), "seed \(seed)")
        if position == nil { model.append((subject.id, status)) }
      case 1:
        let change = try? register.statusChange(of: subject.id, to: status, at: now)
        let isChangeable = position.map { model[$0].status != .revoked || status == .revoked } ?? false
        #expect((change != nil) == isChangeable, "seed \(seed)")
        if let change, let position {
          register.apply(change)
          model[position].status = status
        }
      default:
        let change = try? register.deletion(of: subject.id, forced: false)
        let isDeletable = position.map { model[$0].status != .active } ?? false
        #expect((change != nil) == isDeletable, "seed \(seed)")
        if let change, let position {
          register.apply(change)
          model.remove(at: position)
        }
      }
      let listed = register.page(PageRequest(size: 250, after: nil, ascending: true)).elements
      #expect(listed.map(\.id) == model.map(\.id), "seed \(seed)")
      #expect(listed.map(\.status) == model.map(\.status), "seed \(seed)")
    }
  }
}
