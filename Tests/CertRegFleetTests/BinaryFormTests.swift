import CertRegCore
import Testing

@testable import CertRegFleet

/// Values in PostgreSQL's binary form.
@Suite struct BinaryFormTests {
  private func bytes(_ parameter: Parameter) -> [UInt8] {
    if case .binary(let bytes) = parameter { bytes } else { [] }
  }

  @Test func `an array has its elements behind their lengths`() {
    let array = bytes(.bytes([[1, 2], []]))
    #expect(array == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0])
  }

  @Test func `an array without elements has no dimension`() {
    #expect(bytes(.integers([])) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 20])
  }

  @Test func `NULL has no bytes, and a text no zero byte`() {
    let array = bytes(.texts(["a\0b", nil] as [String?]))
    #expect(array.dropFirst(20) == [0, 0, 0, 2, 97, 98, 255, 255, 255, 255])
  }

  @Test func `numbers are big-endian`() {
    #expect(bytes(.integers([-2])).suffix(8) == [255, 255, 255, 255, 255, 255, 255, 254])
    #expect(bytes(.doubles([1])).suffix(8) == [0x3f, 0xf0, 0, 0, 0, 0, 0, 0])
    #expect(bytes(.bools([true, false])).suffix(10) == [0, 0, 0, 1, 1, 0, 0, 0, 1, 0])
  }

  @Test func `rows are read from left to right`() throws {
    var rows = Rows(count: 1, columns: 5)
    rows.append([0xff, 0xff, 0xff, 0xfe])
    rows.append([0, 0, 0, 0, 0, 0, 1, 0])
    rows.append("text".utf8)
    rows.appendNull()
    rows.append([0x3f, 0xf8, 0, 0, 0, 0, 0, 0])
    var reader = RowReader(try #require(rows.first))
    #expect(try reader.integer() == -2)
    #expect(try reader.integer() == 256)
    #expect(try reader.text() == "text")
    #expect(try reader.optionalText() == nil)
    #expect(try reader.double(in: 0...2) == 1.5)
    #expect(throws: RowReader.Malformed.self) { try reader.text() }
  }

  @Test func `rows of joined queries are read as those of each query`() throws {
    func record(_ values: [UInt8]?...) -> [UInt8] {
      let columns = values.map { value in
        [0, 0, 0, 25] + (value.map { [0, 0, 0, UInt8($0.count)] + $0 } ?? [255, 255, 255, 255])
      }
      return [0, 0, 0, UInt8(values.count)] + columns.joined()
    }
    var rows = Rows(count: 6, columns: 2)
    for (number, value) in [
      (1, record(Array("a".utf8), nil)), (0, record([0, 0, 0, 7])), (1, record(nil, Array("b".utf8))),
      // Another number of columns, the end of a value missing, and a query that was not asked.
      (1, record([1])), (0, Array(record([0, 0, 0, 7]).dropLast())), (2, record([1])),
    ] as [(UInt8, [UInt8])] {
      rows.append([0, 0, 0, number])
      rows.append(value)
    }
    let parts = rows.divided(into: 2)
    #expect(parts[0].compactMap(FleetRow.integer) == [7])
    #expect(
      try parts[1].compactMap { $0 }.map { row in
        var reader = RowReader(row)
        return [try reader.optionalText(), try reader.optionalText()]
      } == [["a", nil], [nil, "b"]])
  }

  @Test func `values of another form are no values`() throws {
    var rows = Rows(count: 1, columns: 4)
    rows.append([1, 2])
    rows.append([0x7f, 0xf0, 0, 0, 0, 0, 0, 0])
    rows.appendNull()
    rows.append([1])
    var reader = RowReader(try #require(rows.first))
    #expect(throws: RowReader.Malformed.self) { try reader.integer() }
    #expect(throws: RowReader.Malformed.self) { try reader.double(in: 0...2) }
    #expect(throws: RowReader.Malformed.self) { try reader.bool() }
    #expect(throws: RowReader.Malformed.self) { try reader.key() }
  }
}
