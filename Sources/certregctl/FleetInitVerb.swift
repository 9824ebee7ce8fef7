import CertRegClient
import CertRegCore
import CertRegFleet

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
      console.note("the role \(role) has its rights if it exists; if it is created later, run this again")
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
