import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct SettingsChangeTests {
  @Test func `nothing changes between equal settings`() {
    #expect(Settings().changes(from: Settings()).isEmpty)
  }

  @Test func `lists the changes that wait for a restart`() {
    var settings = Settings()
    settings.socket.path = "/other.sock"
    settings.socket.window = 1
    settings.targets.append(TargetConfiguration(name: TargetName("line")))
    settings.log.level = .debug
    let changes = settings.changes(from: Settings())
    #expect(changes.first { $0.key == "socket.path" }?.takesEffectAtReload == false)
    #expect(changes.first { $0.key == "socket.window" }?.takesEffectAtReload == true)
    #expect(changes.first { $0.key == "log.level" }?.takesEffectAtReload == true)
    #expect(changes.contains { $0.key == "targets.line.region" })
    #expect(Settings().changes(from: settings).map(\.key) == changes.map(\.key))
  }

  @Test func `settings that wait for a restart keep their old value, and all others change`() {
    let seed = UInt64.random(in: 0 ... .max)
    print("settings at a reload: seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let (old, new) = (random.settings(), random.settings())
      let taken = new.atReload(of: old)
      #expect(taken.changes(from: old).allSatisfy { $0.takesEffectAtReload })
      #expect(taken.changes(from: new).allSatisfy { !$0.takesEffectAtReload })
    }
  }
}
