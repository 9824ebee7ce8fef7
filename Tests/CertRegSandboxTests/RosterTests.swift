import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct RosterTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `agrees with a list that is searched from end to end`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var roster = Roster<Int, Int>()
    var model: [(key: Int, value: Int)] = []
    for round in 0..<3_000 {
      let key = Int.random(in: 0..<1_200, using: &generator)
      let position = model.firstIndex { $0.key == key }
      if Int.random(in: 0..<10, using: &generator) < 6 {
        roster.put(round, for: key)
        if let position { model[position].value = round } else { model.append((key, round)) }
      } else {
        let removed = roster.remove(key)
        #expect(removed == position.map { model[$0].value }, "seed \(seed)")
        if let position { model.remove(at: position) }
      }
    }
    #expect(roster.count == model.count && roster.isEmpty == model.isEmpty)
    #expect(roster.elements.map(\.key) == model.map(\.key), "seed \(seed)")
    #expect(roster.elements.map(\.value) == model.map(\.value), "seed \(seed)")
    for isAscending in [true, false] {
      let size = Int.random(in: 1...250, using: &generator)
      let keys = pages(roster, size: size, ascending: isAscending)
      #expect(keys == (isAscending ? model.map(\.key) : model.map(\.key).reversed()), "seed \(seed)")
    }
  }

  private func pages(_ roster: Roster<Int, Int>, size: Int, ascending: Bool) -> [Int] {
    var keys: [Int] = []
    var marker: PageMarker?
    repeat {
      let page = roster.page(PageRequest(size: size, after: marker, ascending: ascending))
      #expect(page.elements.count == size || page.next == nil)
      keys += page.elements.map(\.key)
      marker = page.next
    } while marker != nil
    return keys
  }

  @Test func `a filtered page looks at a bounded number of elements`() {
    var roster = Roster<Int, Int>()
    for number in 0..<5_000 { roster.put(number, for: number) }
    var looked = 0
    let page = roster.page(PageRequest(size: 25)) { element in
      looked += 1
      return element.value == 4_999
    }
    #expect(page.elements.isEmpty && page.next != nil && looked == 1_000)
    var marker = page.next
    var found: [Int] = []
    while let next = marker {
      let page = roster.page(PageRequest(size: 25, after: next)) { $0.value == 4_999 }
      found += page.elements.map(\.value)
      marker = page.next
    }
    #expect(found == [4_999])
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100])
  func `a marker beyond the end has an empty page`(sequence: UInt64) {
    var roster = Roster<Int, Int>()
    for number in 0..<3 { roster.put(number, for: number) }
    let ascending = roster.page(PageRequest(size: 5, after: PageMarker(sequence: sequence)))
    #expect(ascending.elements.isEmpty && ascending.next == nil)
    let descending = roster.page(PageRequest(size: 5, after: PageMarker(sequence: sequence), ascending: false))
    #expect(descending.elements.map(\.key) == [2, 1, 0])
  }

  @Test(arguments: [
    PageMarker(sequence: 1), PageMarker(sequence: .max), PageMarker(sequence: 0, groupSequence: 1),
    PageMarker(sequence: 7, groupSequence: .max),
  ])
  func `reads the markers that it writes`(marker: PageMarker) {
    #expect(PageMarker(text: marker.text) == marker)
  }

  @Test(arguments: ["after:", "after:0", "after:1:0", "after:1:", "after:1:x", "after:1:2:3", "after::1", "1"])
  func `reads no other markers`(text: String) {
    #expect(PageMarker(text: Base64.encode(Array(text.utf8))) == nil)
  }

  // MARK: Relations

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `both sides of a relation agree`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var relation = Relation<Int, String, Int>()
    var model: [[Int]: Int] = [:]
    for round in 0..<500 {
      let (left, right) = (Int.random(in: 0..<8, using: &generator), Int.random(in: 0..<8, using: &generator))
      switch Int.random(in: 0..<20, using: &generator) {
      case 0:
        relation.removeAll(left: left)
        model = model.filter { $0.key[0] != left }
      case 1:
        relation.removeAll(right: "\(right)")
        model = model.filter { $0.key[1] != right }
      case 2..<8:
        let wasThere = relation.remove(left, "\(right)")
        #expect(wasThere == (model.removeValue(forKey: [left, right]) != nil), "seed \(seed)")
      default:
        relation.put(round, left, "\(right)")
        model[[left, right]] = round
      }
      #expect(relation.count == model.count, "seed \(seed)")
    }
    for number in 0..<8 {
      let rights = relation.rights(of: number).elements.map { [Int($0.key) ?? -1, $0.value] }
      #expect(Set(rights) == Set(model.filter { $0.key[0] == number }.map { [$0.key[1], $0.value] }), "seed \(seed)")
      let lefts = relation.lefts(of: "\(number)").elements.map { [$0.key, $0.value] }
      #expect(Set(lefts) == Set(model.filter { $0.key[1] == number }.map { [$0.key[0], $0.value] }), "seed \(seed)")
    }
  }
}
