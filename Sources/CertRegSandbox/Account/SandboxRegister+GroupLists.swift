// Lists that go through a hierarchy of groups.
extension SandboxRegister {
  /// The things in a group, and in the groups below it if the list is recursive. Those of the groups below come in the
  /// order in which the groups were made.
  ///
  /// - Throws: ResourceNotFoundException, InvalidRequestException for a marker of another list.
  package func things(
    inGroup name: String, recursive: Bool, _ request: PageRequest
  ) throws(SandboxError) -> Page<String> {
    _ = try thingGroup(name)
    guard recursive else { return groupMembers.rights(of: name).page(request).map(\.key) }
    let first = try groupMarker(of: request)
    let groups = thingGroups.page(
      PageRequest(size: .max, after: first.map { PageMarker(sequence: $0 - 1) }),
      where: { isGroup($0.value, atOrBelow: name) })
    var elements: [String] = []
    for (groupName, _) in groups.elements {
      guard let sequence = thingGroups.sequence(of: groupName) else { continue }
      // Of the group at which the last page ended, unless it is gone, the first things were told.
      let told = sequence == first ? request.marker?.sequence ?? 0 : 0
      guard elements.count < request.size else {
        return Page(elements: elements, next: PageMarker(sequence: told, groupSequence: sequence))
      }
      let page = groupMembers.rights(of: groupName).page(
        PageRequest(size: request.size - elements.count, after: told > 0 ? PageMarker(sequence: told) : nil))
      elements += page.elements.map(\.key)
      if let next = page.next {
        return Page(elements: elements, next: PageMarker(sequence: next.sequence, groupSequence: sequence))
      }
    }
    return Page(elements: elements, next: groups.next.map { PageMarker(sequence: 0, groupSequence: $0.sequence + 1) })
  }

  /// The groups directly below a group, or all below it if the list is recursive; without a parent, the groups without
  /// one, or all groups. Only those whose names begin with `prefix`.
  ///
  /// - Throws: ResourceNotFoundException.
  package func groups(
    below parent: String?, recursive: Bool, prefix: String, _ request: PageRequest
  ) throws(SandboxError) -> Page<String> {
    if let parent { _ = try thingGroup(parent) }
    guard recursive else {
      return childGroups.rights(of: parent ?? "").page(request, where: { $0.key.hasPrefix(prefix) }).map(\.key)
    }
    return thingGroups.page(
      request,
      where: { name, group in
        name.hasPrefix(prefix) && (parent.map { name != $0 && isGroup(group, atOrBelow: $0) } ?? true)
      }
    ).map(\.key)
  }

  private func isGroup(_ group: ThingGroup, atOrBelow root: String) -> Bool {
    group.name == root || ancestors(of: group).contains { $0.name == root }
  }

  /// The sequence number of the group at which a page of a recursive list begins; `nil`: the first one.
  private func groupMarker(of request: PageRequest) throws(SandboxError) -> UInt64? {
    guard let marker = request.marker else { return nil }
    guard let sequence = marker.groupSequence, sequence > 0 else { throw .invalidMarker }
    return sequence
  }
}

extension SandboxError {
  /// A `nextToken` or `marker` that no answer contained.
  static var invalidMarker: SandboxError { SandboxError(.invalidRequest, "Invalid marker") }
}
