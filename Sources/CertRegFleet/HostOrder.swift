import CLibPQ

/// The order in which the hosts of a connection string are tried.
///
/// libpq goes on to the next host only where it cannot connect to one. A proxy whose database is gone takes the
/// connection and closes it, and that ends the attempt. So the next attempt begins with another host.
struct HostOrder {
  /// The parameters that list something for each host
  /// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS).
  private static let names = ["host", "hostaddr", "port"]

  /// Those of several hosts, with their values.
  private var lists: [(name: String, values: [Substring])] = []

  /// - Parameter url: A connection string. One that libpq does not understand has no hosts.
  /// - Throws: `notLoaded`.
  init(_ url: String) throws(DatabaseFailure) {
    let pq = try LibPQ.load().pointee
    guard let options = pq.parseConnectionString(url, nil) else { return }
    defer { pq.freeOptions(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val, HostOrder.names.contains(String(cString: keyword)) {
        let values = String(cString: value).split(separator: ",", omittingEmptySubsequences: false)
        if values.count > 1 { lists.append((String(cString: keyword), values)) }
      }
      option += 1
    }
  }

  /// The parameters in the present order, which go before those of the connection string.
  var parameters: [(name: String, value: String)] {
    lists.map { ($0.name, $0.values.joined(separator: ",")) }
  }

  /// Puts the first host behind the others.
  mutating func rotate() {
    for index in lists.indices { lists[index].values.append(lists[index].values.removeFirst()) }
  }
}
