import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization

@testable import CertRegClient

/// A daemon for `verify`: what it knows of each certificate, and what the upstream has.
final class VerifiedAccount: Sendable {
  /// Answers for one certificate.
  struct Device: Sendable {
    /// What `lookup` says; `nil`: it finds nothing.
    var known: [(String, JSON)]?
    /// What `describe` says; `nil`: the upstream has no such certificate.
    var found: [(String, JSON)]?
  }

  private struct State {
    var devices: [String: Device] = [:]
    /// The operations of requests with the beginnings of their IDs.
    var requests: [String] = []
    var refusals = 0
  }

  private let state = Mutex(State())

  /// The IDs of the samples.
  static let ids = (UInt8(0)..<32).map { SHA256.digest(of: Sample.certificate($0)).hex }

  static func arn(_ number: Int, account: String = "123456789012") -> String {
    "arn:aws:iot:eu-central-1:\(account):cert/\(ids[number])"
  }

  /// Changes the device with a number. It begins as one whose certificate is as it should be.
  func set(_ number: Int, _ change: (inout Device) -> Void = { _ in }) {
    let provisioning = JSON.object([
      JSON.Member("profile", .string("pumps")), JSON.Member("thingName", .string("pump-\(number)")),
      JSON.Member("policies", .array([.string("base"), .string("pumps")])), JSON.Member("groups", .array([])),
    ])
    let arn = JSON.string(VerifiedAccount.arn(number))
    var device = Device(
      known: [
        ("state", .string("registered")), ("certificateArn", arn), ("status", .string("ACTIVE")),
        ("provisioning", provisioning),
      ],
      found: [
        ("certificateArn", arn), ("status", .string("ACTIVE")), ("certificateMode", .string("SNI_ONLY")),
        ("things", .array([.string("pump-\(number)")])), ("policies", .array([.string("pumps"), .string("base")])),
      ])
    change(&device)
    state.withLock { $0.devices[VerifiedAccount.ids[number]] = device }
  }

  /// Refuses so many requests to describe with an error that passes.
  func refuse(_ count: Int) { state.withLock { $0.refusals = count } }

  var requests: [String] { state.withLock { $0.requests } }

  func answer(_ request: JSON) -> JSON {
    let id = request["certificateId"]?.string ?? ""
    let operation = request["op"]?.string ?? ""
    let (device, isRefused) = state.withLock { state in
      state.requests.append("\(operation) \(id.prefix(4))")
      let isRefused = operation == "describe" && state.refusals > 0
      if isRefused { state.refusals -= 1 }
      return (state.devices[id], isRefused)
    }
    if isRefused {
      return JSON.failure(
        request, type: "ThrottlingException", reason: "too_many_describes", message: "ask again later", retryable: true)
    }
    let target = request["target"] ?? .string("default")
    let always: [(String, JSON)] = [("certificateId", .string(id)), ("target", target)]
    let members = operation == "lookup" ? device?.known : device?.found
    guard let members else {
      let reason = operation == "lookup" ? "not_found" : "certificate_not_found"
      return JSON.failure(request, type: "ResourceNotFoundException", reason: reason, message: "no such certificate")
    }
    return JSON.answer(to: request, always + members)
  }
}

extension [(String, JSON)] {
  /// Replaces a member, or removes it where there is no value.
  mutating func replace(_ name: String, _ value: JSON?) {
    removeAll { $0.0 == name }
    if let value { append((name, value)) }
  }
}
