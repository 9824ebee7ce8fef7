import CertRegCore

/// The pages that a database has freed (https://www.sqlite.org/fileformat2.html section 1.5).
///
/// SQLite leaves the old content in freed pages, so rows in them look intact long after they were deleted.
struct FreeList {
  /// Most page numbers in a trunk page, behind the number of the next trunk and the count.
  private static let leavesLimit = Schema.pageSizeBytes / 4 - 2

  /// Empty if the list is inconsistent: no row may be dropped because of it then.
  let pages: Set<Int>

  /// - Parameters:
  ///   - firstPage: the database's first page; `nil` where it is lost.
  ///   - pageCount: number of the last page.
  ///   - page: the bytes of a page.
  init(firstPage: [UInt8]?, pageCount: Int, page: (Int) -> [UInt8]?) {
    pages = FreeList.walk(firstPage, pageCount, page) ?? []
  }

  private static func walk(_ firstPage: [UInt8]?, _ pageCount: Int, _ page: (Int) -> [UInt8]?) -> Set<Int>? {
    guard let firstPage, firstPage.count == Schema.pageSizeBytes,
      firstPage.starts(with: "SQLite format 3\0".utf8)
    else { return nil }
    let expected = firstPage.bigEndian(at: 36)
    var next = firstPage.bigEndian(at: 32)
    var found: Set<Int> = []
    // Each trunk adds a new page, which bounds the walk.
    while next != 0 {
      guard add(next, to: &found, pageCount), let trunk = page(next) else { return nil }
      let count = trunk.bigEndian(at: 4)
      guard count <= leavesLimit else { return nil }
      for index in 0..<count {
        guard add(trunk.bigEndian(at: 8 + 4 * index), to: &found, pageCount) else { return nil }
      }
      next = trunk.bigEndian(at: 0)
    }
    return found.count == expected ? found : nil
  }

  private static func add(_ number: Int, to found: inout Set<Int>, _ pageCount: Int) -> Bool {
    number > 1 && number <= pageCount && found.insert(number).inserted
  }
}
