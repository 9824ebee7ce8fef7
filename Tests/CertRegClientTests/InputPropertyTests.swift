import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

/// What was put into a source equals what comes out of it.
@Suite struct InputPropertyTests {
  /// A file of one of the forms, and what is in it.
  private struct File {
    var form: GeneratedForm
    var units: [GeneratedUnit]
    var content: [UInt8]

    init(_ form: GeneratedForm, firstNumber: UInt8, _ generator: inout SplitMix64) {
      self.form = form
      units = (0..<UInt8.random(in: 1...20, using: &generator)).map { number in
        let kind = GeneratedUnit.Kind.allCases.randomElement(using: &generator) ?? .key
        return GeneratedUnit(kind: kind, number: firstNumber + number)
      }
      content = form.bytes(units, &generator)
    }
  }

  /// Compares what was read with what was put in, in any order.
  private func compare(_ entries: [InputEntry], _ files: [File], _ message: String) {
    let entries = entries.filter { pem($0) != GeneratedUnit.first.pem }
    let named = files.flatMap { file in
      file.units.filter { $0.kind == .certificate }.map { "\(file.form.hasNames ? $0.deviceID : "-") \($0.pem)" }
    }
    let hasNames = Dictionary(
      files.flatMap { file in file.units.map { ($0.pem, file.form.hasNames) } }, uniquingKeysWith: { $0 && $1 })
    let found = entries.compactMap { entry in
      pem(entry).map { "\(hasNames[$0] == true ? entry.deviceID ?? "no name" : "-") \($0)" }
    }
    #expect(found.sorted() == named.sorted(), "\(message)")
    let units = files.flatMap(\.units)
    #expect(
      entries.count { fault($0) != nil } == units.count { $0.kind == .damaged },
      "\(message): \(entries.compactMap(fault))")
    #expect(entries.count { otherContent($0) == .privateKey } == units.count { $0.kind == .key }, "\(message)")
  }

  @Test func `all that is put into files is created, failed or passed over, with the right names`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<200 {
      let file = File(GeneratedForm.all[round % GeneratedForm.all.count], firstNumber: 0, &generator)
      let folder = try TemporaryFolder()
      let depth = Int.random(in: 0...2, using: &generator)
      try folder.write(String(repeating: "d/", count: depth) + file.form.name, file.content)
      let entries = try allEntries(folder.root)
      compare(entries, [file], "seed \(seed), round \(round), \(file.form.name)")
      // Within one file the order stays.
      let good = file.units.filter { $0.kind == .certificate }.map(\.pem)
      #expect(entries.compactMap(pem).filter { $0 != GeneratedUnit.first.pem } == good, "seed \(seed), round \(round)")
    }
  }

  @Test func `all that is put into archives is created, failed or passed over, with the right names`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<100 {
      let files = (0..<Int.random(in: 1...4, using: &generator)).map { number in
        File(GeneratedForm.all.randomElement(using: &generator)!, firstNumber: UInt8(number * 20), &generator)
      }
      let members = files.enumerated().map { number, file in
        Member(path: "line \(number)/\(file.form.name)", content: file.content)
      }
      let depth = Int.random(in: 1...3, using: &generator)
      let folder = try TemporaryFolder()
      let path = try folder.write("delivery", GeneratedArchive.bytes(members, depth: depth, &generator))
      let entries = try allEntries(path)
      let message = "seed \(seed), round \(round), depth \(depth), \(files.map(\.form.name))"
      compare(entries, files, message)
      #expect(entries.count { otherContent($0) == .text } == depth, "\(message): \(entries.compactMap(otherContent))")
    }
  }
}
