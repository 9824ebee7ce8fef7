// swift-tools-version: 6.1
import PackageDescription

// A separate package, so that `swift build` of certregd does not build it. The modules are the daemon's, by symbolic
// links: inside one package they can be instrumented, and their `package` declarations be used.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .unsafeFlags(["-sanitize=fuzzer"]),
]

let package = Package(
  name: "Fuzz",
  targets: [
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive"),
    .systemLibrary(name: "CFuzzer"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .target(name: "CSpawn"),
    .systemLibrary(name: "CXattr"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .target(name: "CertRegArchive", dependencies: ["CArchive", "CZlib"], swiftSettings: settings),
    .target(name: "CertRegCore", swiftSettings: settings),
    .target(name: "CertRegCodec", swiftSettings: settings),
    .target(name: "CertRegCrypto", dependencies: ["CertRegCore", "COpenSSL"], swiftSettings: settings),
    .target(
      name: "CertRegX509", dependencies: ["CertRegCodec", "CertRegCore", "CertRegCrypto", "COpenSSL"],
      swiftSettings: settings),
    .target(
      name: "CertRegClient",
      dependencies: ["CSpawn", "CXattr", "CertRegArchive", "CertRegCodec", "CertRegCore", "CertRegCrypto"],
      swiftSettings: settings),
    .target(name: "CertRegProtocol", dependencies: ["CertRegCodec", "CertRegCore"], swiftSettings: settings),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "CertRegArchive", "CertRegClient", "CertRegCodec", "CertRegCore", "CertRegCrypto", "CertRegX509",
        "CertRegProtocol", "CFuzzer",
        "COpenSSL",
      ],
      swiftSettings: settings, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
  ]
)
