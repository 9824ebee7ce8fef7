// Lists that go through a hierarchy of groups.
extension SandboxRegister {
  /// How many groups a page goes through. Past it the page ends, with fewer elements than asked for.
  private static let groupScanLimit = 1_000

  /// The things in a group, and in the groups below it if the list is recursive.
  ///
  /// - Throws: ResourceNotFoundException, InvalidRequestException for a marker of another list.
  package func things(
    inGroup name: String, recursive: Bool, _ request: PageRequest
  ) throws(SandboxError) -> Page<String> {
    _ = try thingGroup(name)
    guard recursive else { return groupMembers.rights(of: name).page(request).map(\.key) }
    var elements: [String] = []
    var current = try start(of: request, under: name)
    var marker = request.marker.flatMap { $0.sequence == 0 ? nil : PageMarker(sequence: $0.sequence) }
    for _ in 0..<Self.groupScanLimit {
      let page = groupMembers.rights(of: current).page(
        PageRequest(size: request.size - elements.count, after: marker))
      elements += page.elements.map(\.key)
      if let next = page.next {
        return Page(elements: elements, next: PageMarker(sequence: next.sequence, groupName: current))
      }
      guard let following = group(after: current, under: name) else { return Page(elements: elements, next: nil) }
      current = following
      marker = nil
      if elements.count == request.size { break }
    }
    return Page(elements: elements, next: PageMarker(sequence: 0, groupName: current))
  }

  /// The groups directly below a group, or all below it if the list is recursive; without a parent, the groups without one,
  /// or all groups. Only those whose names begin with `prefix`.
  ///
  /// - Throws: ResourceNotFoundException, InvalidRequestException for a marker of another list.
  package func groups(
    below parent: String?, recursive: Bool, prefix: String, _ request: PageRequest
  ) throws(SandboxError) -> Page<String> {
    if let parent { _ = try thingGroup(parent) }
    guard recursive else {
      return childGroups.rights(of: parent ?? "").page(request, where: { $0.key.hasPrefix(prefix) }).map(\.key)
    }
    guard let parent else { return thingGroups.page(request, where: { $0.key.hasPrefix(prefix) }).map(\.key) }
    var elements: [String] = []
    var current = try start(of: request, under: parent)
    for _ in 0..<Self.groupScanLimit {
      guard let following = group(after: current, under: parent) else { return Page(elements: elements, next: nil) }
      if elements.count == request.size { break }
      if following.hasPrefix(prefix) { elements.append(following) }
      current = following
    }
    return Page(elements: elements, next: PageMarker(sequence: 0, groupName: current))
  }

  /// The group at which a page of a recursive list begins.
  private func start(of request: PageRequest, under root: String) throws(SandboxError) -> String {
    guard let marker = request.marker else { return root }
    guard let name = marker.groupName, let group = thingGroups[name],
      name == root || ancestors(of: group).contains(where: { $0.name == root })
    else { throw .invalidMarker }
    return name
  }

  /// The group that follows in the hierarchy below `root`, each group before its children; `nil` after the last one.
  private func group(after name: String, under root: String) -> String? {
    if let child = childGroups.rights(of: name).first { return child.key }
    var current = name
    while current != root, let group = thingGroups[current] {
      let siblings = childGroups.rights(of: group.parentName ?? "")
      if let sibling = siblings.element(following: current) { return sibling.key }
      guard let parentName = group.parentName else { return nil }
      current = parentName
    }
    return nil
  }
}

extension SandboxError {
  /// A `nextToken` or `marker` that no answer contained.
  static var invalidMarker: SandboxError { SandboxError(.invalidRequest, "Invalid marker") }
}
