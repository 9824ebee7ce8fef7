import CertRegClient
import CertRegCore
import CertRegFleet
import Glibc

/// `certregctl fleet init`: creates the tables of a fleet, or brings them up to date.
struct FleetInitVerb {
  private let url: String
  private let passwordFile: String?
  private let role: String

  /// - Parameters:
  ///   - url: The database, as libpq reads it.
  ///   - passwordFile: A file with the password on one line; `nil`: libpq finds one itself, or none is needed.
  ///   - role: The role of the members, which gets its rights where it exists.
  init(url: String, passwordFile: String?, role: String) {
    self.url = url
    self.passwordFile = passwordFile
    self.role = role
  }

  /// Runs the command.
  func run(_ console: Console) -> CommandStatus {
    let location: FleetURL
    do throws(FleetURL.Fault) { location = try FleetURL(url) } catch {
      // The daemon's setting has another name here.
      let message = error.message.replacing("fleet.passwordFile", with: "--password-file")
      console.note("\("certregctl:", .red) --url \(message)")
      return .usage
    }
    if let fault = FleetDatabase.fault(of: location) {
      console.note("\("certregctl:", .red) --url: \(fault)")
      return .usage
    }
    if let passwordFile, access(passwordFile, R_OK) != 0 {
      let reason = String(cString: strerror(errno))
      console.note("\("certregctl:", .red) --password-file \(passwordFile) cannot be read: \(reason)")
      return .noInput
    }
    let database = FleetDatabase(
      FleetLocation(url: location, passwordFile: passwordFile),
      FleetIdentity(name: "certregctl", instance: "", takeover: .seconds(120)))
    do throws(FleetProblem) {
      let present = try database.initialise(role: role)
      let version = FleetSchema.version
      switch present {
      case nil: console.print("the tables of the fleet are there: version \(version)")
      case version?: console.print("the tables of the fleet are up to date: version \(version)")
      case let old?: console.print("the tables of the fleet are brought from version \(old) to version \(version)")
      }
      if try database.hasRole(role) {
        console.note("the role \(role) has its rights")
      } else {
        console.note("there is no role \(role), so no rights were given: create it, and run this again")
      }
      return .success
    } catch {
      console.note("\("certregctl:", .red) \(error.message)")
      if let advice = FleetAdvice.forOwner(error.message) { console.note("  \("→", .cyan) \(advice)") }
      switch error.reason {
      case .refused: return .notPermitted
      default: return .unavailable
      }
    }
  }
}
