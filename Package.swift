// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A library target of this package with the settings that all of them share.
///
/// - Parameter isSmall: Whether its size counts for more than its speed.
func library(_ name: String, _ dependencies: [Target.Dependency] = [], isSmall: Bool = false) -> Target {
  let size: [SwiftSetting] = isSmall ? [.unsafeFlags(["-Osize"], .when(configuration: .release))] : []
  return .target(name: name, dependencies: dependencies, swiftSettings: settings + size)
}

/// A program. Nothing loads it as a library, so its symbols are not exported. The linker then drops unused code: 6 MB in
/// the three programs.
func executable(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, swiftSettings: settings,
    linkerSettings: [.unsafeFlags(["-Xlinker", "--no-export-dynamic"], .when(configuration: .release))])
}

/// A test target; each may use the domain's values and the shared fixtures.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(name: name, dependencies: ["CertRegCore", "CertRegTesting"] + dependencies, swiftSettings: settings)
}

extension Target.Dependency {
  static let nioCore = product(name: "NIOCore", package: "swift-nio")
  static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
  static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
  static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
  static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
  static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
  static let logging = product(name: "Logging", package: "swift-log")
  static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
  static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
  name: "certregd",
  products: [
    .executable(name: "certregd", targets: ["certregd"]),
    .executable(name: "certregctl", targets: ["certregctl"]),
    .executable(name: "certreg-sandbox", targets: ["certreg-sandbox"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CEpoll"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CLibPQ"),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "COlderGlibc"),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "CSpawn"),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .systemLibrary(name: "CXattr"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    library("CertRegCore"),
    library("CertRegCodec"),
    library("CertRegArchive", ["CArchive", "CZlib"]),
    library("CertRegClock", ["CertRegCore"]),
    library("CertRegTesting", ["CArchive", "CertRegArchive", "CertRegCore", .logging]),
    library("CertRegCrypto", ["CertRegCore", "COpenSSL"]),
    library("CertRegX509", ["CertRegCodec", "CertRegCore", "CertRegCrypto", "COpenSSL"]),
    library("CertRegProtocol", ["CertRegCodec", "CertRegCore"]),
    library("CertRegSigV4", ["CertRegCore", "CertRegCrypto"]),
    library("CertRegYAML", ["CLibYAML"]),
    library("CertRegSettings", ["CertRegCodec", "CertRegCore", "CertRegYAML"], isSmall: true),
    library("CertRegStore", ["CSQLite", "CertRegCodec", "CertRegCore"]),
    library(
      "CertRegForwarder",
      [
        "CertRegCodec", "CertRegCore", "CertRegCrypto", "CertRegSigV4", "CSpawn", .asyncHTTPClient,
        .nioCore, .nioPosix, .nioHTTP1, .nioSSL, .logging,
      ]),
    library("CertRegFleet", ["CLibPQ", "CertRegCore"]),
    library("CertRegHost", ["CertRegCore", "CSystemd", .logging]),
    library(
      "CertRegSandbox",
      [
        "CertRegCodec", "CertRegCore", "CertRegCrypto", "CertRegX509", "CertRegSigV4", .nioCore,
        .nioPosix, .nioHTTP1, .nioSSL, .logging,
      ], isSmall: true),
    library("CertRegSocket", ["CertRegCodec", "CertRegCore", "CertRegProtocol", "CEpoll", .nioCore, .nioPosix]),
    library(
      "CertRegClient", ["CertRegArchive", "CertRegCodec", "CertRegCore", "CertRegCrypto", "CSpawn", "CXattr"],
      isSmall: true),
    library(
      "CertRegDaemon",
      [
        "CertRegClock", "CertRegCodec", "CertRegCore", "CertRegCrypto", "CertRegX509", "CertRegProtocol",
        "CertRegSettings", "CertRegStore", "CertRegFleet", "CertRegForwarder", "CertRegHost", "CertRegSandbox",
        "CertRegSocket", .nioCore, .nioPosix, .nioHTTP1, .logging, .unixSignals,
      ]),
    library("CertRegSandboxCommand", ["CertRegClock", "CertRegSandbox", .argumentParser, .logging], isSmall: true),
    executable(
      "certregd",
      [
        "COlderGlibc", "CertRegClock", "CertRegCore", "CertRegDaemon", "CertRegSandboxCommand", "CertRegSettings",
        .argumentParser,
      ]),
    executable(
      "certregctl",
      [
        "COlderGlibc", "CertRegArchive", "CertRegClock", "CertRegCore", "CertRegClient", "CertRegFleet",
        .argumentParser,
      ]),
    // For builds without a package, in which this name is a link to certregd.
    executable("certreg-sandbox", ["COlderGlibc", "CertRegClock", "CertRegSandboxCommand"]),

    tests("CertRegCoreTests", ["CertRegFleet"]),
    tests("CertRegArchiveTests", ["CArchive", "CertRegArchive"]),
    tests("CertRegCodecTests", ["CertRegCodec"]),
    tests("CertRegX509Tests", ["CertRegCodec", "CertRegCrypto", "CertRegX509", "COpenSSL"]),
    tests("CertRegProtocolTests", ["CertRegCodec", "CertRegProtocol"]),
    tests("CertRegSigV4Tests", ["CertRegCrypto", "CertRegSigV4"]),
    tests("CertRegYAMLTests", ["CertRegYAML"]),
    tests("CertRegSettingsTests", ["CertRegSettings"]),
    tests("CertRegStoreTests", ["CSQLite", "CertRegClock", "CertRegStore"]),
    tests(
      "CertRegForwarderTests",
      [
        "CertRegClock", "CertRegCodec", "CertRegCrypto", "CertRegSigV4", "CertRegForwarder", "CSpawn", .asyncHTTPClient,
        .nioCore,
        .nioEmbedded, .nioPosix, .nioHTTP1, .nioSSL, .logging,
      ]),
    tests("CertRegFleetTests", ["CertRegFleet"]),
    tests("CertRegHostTests", ["CSpawn", "CertRegHost", .logging]),
    tests(
      "CertRegDaemonTests",
      [
        "CertRegClock", "CertRegCodec", "CertRegCrypto", "CertRegDaemon", "CertRegForwarder", "CertRegHost",
        "CertRegProtocol", "CertRegSettings", "CertRegSocket", "CertRegStore", "CertRegX509", .nioCore, .nioEmbedded,
        .nioHTTP1, .nioPosix, .logging,
      ]),
    tests("CertRegSandboxTests", ["CertRegCodec", "CertRegCrypto", "CertRegSigV4", "CertRegSandbox", .logging]),
    tests("CertRegSocketTests", ["CertRegClock", "CertRegProtocol", "CertRegSocket", .nioCore, .nioPosix]),
    tests(
      "CertRegClientTests",
      ["CertRegArchive", "CertRegClock", "CertRegCodec", "CertRegCrypto", "CertRegClient", "CSpawn", "CXattr"]),
    tests("DocumentationTests", ["CertRegForwarder", "CertRegProtocol", "CertRegSettings", "CertRegX509"]),
    tests("IntegrationTests", ["CertRegClient"]),
  ]
)

// Benchmarks have their own dependencies, which building, testing and packaging certregd do not need.
if Context.environment["CERTREGD_BENCHMARKS"] != nil {
  package.dependencies += [
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    // Without its traits: they count allocations, by means that are not on every machine.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ]
  package.targets += [
    .executableTarget(
      name: "load-benchmark",
      dependencies: [
        "CEpoll", "CertRegClock", "CertRegCore", "CertRegCrypto", "CertRegStore", .argumentParser,
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Benchmarks/Load", swiftSettings: settings),
    .executableTarget(
      name: "micro-benchmarks",
      dependencies: [
        "CertRegClock", "CertRegCore", "CertRegCrypto", "CertRegProtocol", "CertRegSigV4", "CertRegSocket",
        "CertRegStore", "CertRegX509", .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Micro", swiftSettings: settings,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
}
