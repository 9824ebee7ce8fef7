// What a profile can give.
extension ProvisioningProfile {
  /// Whether this profile gives a provisioning for some attributes of a request.
  ///
  /// Values that follow from the texts are the same in all of them. Where texts leave a choice, as `{a}{b}` does, each
  /// text may have made its own.
  ///
  /// - Parameters:
  ///   - provisioning: The provisioning, as another host tells it.
  ///   - known: What is known of the request and its certificate. Its attributes do not count.
  package func couldGive(_ provisioning: Provisioning, with known: PlaceholderValues) -> Bool {
    switch (form, provisioning.work) {
    case (.parts(let thing, let policies, let activatesLast), .parts(let given)):
      guard activatesLast == given.activatesLast, isWellFormed(given),
        let comparison = Comparison(thing, policies, given), let values = values(giving: comparison, with: known)
      else { return false }
      guard attributeNames.allSatisfy({ values[$0] != nil }) else { return comparison.couldBe(with: values) }
      var filling = known
      filling.attributes = attributeNames.map { NamedText($0, values[$0] ?? "") }
      guard case .parts(let filled)? = try? work(filling) else { return false }
      // Hosts may list the same names in another order.
      return filled.sorted == given.sorted
    case (.template(let template), .template(let given)):
      // A template takes all attributes of a request, also those that it has no parameter for.
      var filling = known
      filling.attributes = given.parameters
      return (try? filled(template, filling)) == given
    default: return false
    }
  }

  /// Whether each text is one that AWS IoT takes. Their lengths are then bounded.
  private func isWellFormed(_ parts: DeviceParts) -> Bool {
    do throws(ServiceError) {
      for name in parts.policies { try check(name, .policy) }
      guard let thing = parts.thing else { return true }
      try check(thing.name, .thing)
      if let type = thing.type { try check(type, .thingType) }
      for name in thing.groups { try check(name, .thingGroup) }
      for attribute in thing.attributes { try check(attribute) }
      return true
    } catch {
      return false
    }
  }

  /// The values that are known, and those that follow from them and from the texts; `nil`: there are none.
  private func values(giving comparison: Comparison, with known: PlaceholderValues) -> [String: String]? {
    var values: [String: String] = [:]
    for name in texts.flatMap(\.names) where Builtin(rawValue: name) != nil {
      guard let value = value(of: name, known), !value.isEmpty else { return nil }
      values[name] = value
    }
    // Each value makes others certain. Rounds are no more than there are placeholders.
    var count = -1
    while count < values.count {
      count = values.count
      guard let certain = comparison.certainPairs(with: values) else { return nil }
      for (text, given) in certain {
        guard let found = PartlyFilledText(text, values).certainValues(giving: given) else { return nil }
        values.merge(found) { earlier, _ in earlier }
      }
    }
    return values
  }
}

extension DeviceParts {
  /// The same with the names of lists in one order.
  fileprivate var sorted: DeviceParts {
    var sorted = self
    sorted.policies.sort()
    sorted.thing?.groups.sort()
    return sorted
  }
}

/// The texts of a profile beside what they gave.
private struct Comparison {
  /// Texts that give one text each.
  private var single: [(text: PlaceholderText, given: String)] = []
  /// Texts that give names, each of which is listed once.
  private var lists: [(texts: [PlaceholderText], given: [String])]

  /// `nil`: the profile has other parts.
  init?(_ thing: ProvisioningProfile.Thing?, _ policies: [PlaceholderText], _ given: DeviceParts) {
    lists = [(policies, given.policies)]
    switch (thing, given.thing) {
    case (nil, nil): break
    case (let thing?, let given?):
      single.append((thing.name, given.name))
      lists.append((thing.groups, given.groups))
      switch (thing.type, given.type) {
      case (nil, nil): break
      case (let type?, let given?): single.append((type, given))
      default: return nil
      }
      let attributes = thing.attributes.sorted { $0.name < $1.name }
      guard thing.isExclusive == given.isExclusive, attributes.map(\.name) == given.attributes.map(\.name) else {
        return nil
      }
      single += zip(attributes, given.attributes).map { ($0.value, $1.value) }
    default: return nil
    }
    guard lists.allSatisfy({ $0.given.count <= $0.texts.count && Set($0.given).count == $0.given.count }) else {
      return nil
    }
  }

  /// Texts with what they certainly gave; `nil`: a list has a name that no text gives.
  func certainPairs(with values: [String: String]) -> [(PlaceholderText, String)]? {
    var pairs = single.map { ($0.text, $0.given) }
    for (texts, given) in lists {
      let open = texts.map { ($0, PartlyFilledText($0, values)) }
      for name in given {
        let candidates = open.filter { $0.1.couldGive(name) }
        guard let (text, partly) = candidates.first else { return nil }
        if candidates.count == 1, !partly.isComplete { pairs.append((text, name)) }
      }
    }
    return pairs
  }

  /// Whether the lists are possible: the texts that give one text each are known to be.
  func couldBe(with values: [String: String]) -> Bool {
    lists.allSatisfy { texts, given in
      let partly = texts.map { PartlyFilledText($0, values) }
      return partly.allSatisfy { given.contains(where: $0.couldGive) }
        && given.allSatisfy { name in partly.contains { $0.couldGive(name) } }
    }
  }
}
