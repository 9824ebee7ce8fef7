import CertRegCore
import CertRegHost
import CertRegProtocol
import CertRegSocket

extension Reports.Figures {
  /// The metrics in Prometheus' text exposition format.
  func exposition(of process: ProcessFigures) -> String {
    var text = Exposition()
    writeRequests(to: &text)
    writeRegistrations(to: &text)
    writeCalls(to: &text)
    writeHealth(to: &text)
    writePaces(to: &text)
    writeSigning(to: &text)
    if let fleet = engine.fleet { text.fleet(fleet) }
    writeState(to: &text)
    writeProcess(process, to: &text)
    return text.text
  }

  private func writeRequests(to text: inout Exposition) {
    text.family(
      "certregd_requests_total", "counter",
      "Requests answered; a registration in several targets counts for each. outcome=cached: with a known result.")
    var counts = requests
    counts[.init(operation: .register, outcome: "cached"), default: 0] += sockets.memoryAnswers
    for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
      text.sample(
        "certregd_requests_total",
        [("op", key.operation.rawValue), ("outcome", key.outcome), ("reason", key.reason)], Double(count))
    }
    text.single("certregd_lines_total", "counter", "Lines received on the socket.", Double(sockets.lines))
    text.single(
      "certregd_invalid_lines_total", "counter", "Lines refused as invalid requests.", Double(sockets.invalidLines))
    text.single("certregd_connections", "gauge", "Open connections.", Double(sockets.connectionsOpen))
    text.single("certregd_connections_max", "gauge", "Limit of open connections.", Double(constants.maxConnections))
    text.single(
      "certregd_connections_total", "counter", "Connections accepted.", Double(sockets.connectionsOpened))
    text.single(
      "certregd_read_pauses_total", "counter", "Reads held back by a window or budget.", Double(sockets.pauses))
  }

  private func writeRegistrations(to text: inout Exposition) {
    text.family("certregd_registrations_total", "counter", "Registrations that ended, by outcome.")
    for (outcome, count) in [("created", engine.created), ("existing", engine.existing), ("failed", engine.failed)] {
      text.sample("certregd_registrations_total", [("outcome", outcome)], Double(count))
    }
    text.family("certregd_status_updates_total", "counter", "Requests to set a status that ended, by outcome.")
    for (outcome, count) in [("updated", engine.updated), ("failed", engine.updatesFailed)] {
      text.sample("certregd_status_updates_total", [("outcome", outcome)], Double(count))
    }
    text.family(
      "certregd_registration_duration_seconds", "histogram",
      "Time from the request to the end of a registration on disk, by outcome. Answers from the cache are not counted.")
    for outcome in ["created", "existing", "failed"] {
      text.histogram(
        "certregd_registration_duration_seconds", [("outcome", outcome)],
        engine.registrationTimes[outcome] ?? Histogram())
    }
    text.single(
      "certregd_queue_entries", "gauge", "Registrations that have not ended.", Double(engine.pending))
    text.single(
      "certregd_queue_max_entries", "gauge", "Limit of registrations in the queue (queue.maxEntries).",
      Double(constants.maxPending))
    let age = engine.oldestPending.map { Double(max(0, (now - $0).milliseconds)) / 1000 }
    text.single(
      "certregd_queue_oldest_age_seconds", "gauge", "Age of the oldest registration that has not ended; 0 without one.",
      age ?? 0)
  }

  private func writeCalls(to text: inout Exposition) {
    text.family(
      "certregd_upstream_calls_total", "counter",
      "Calls made to the upstream for registrations, devices and updates, by operation.")
    for operation in UpstreamOperation.ofJobs {
      text.sample(
        "certregd_upstream_calls_total", [("operation", operation.rawValue)], Double(engine.calls[operation] ?? 0))
    }
    text.family(
      "certregd_upstream_call_duration_seconds", "histogram", "Time from the beginning of a call to its end, by target."
    )
    for target in engine.targets {
      text.histogram(
        "certregd_upstream_call_duration_seconds", [("target", target.name.rawValue)],
        engine.callTimes[target.name] ?? Histogram())
    }
    perTarget("certregd_upstream_calls_in_flight", "gauge", "Calls under way, by target.", to: &text) {
      Double($0.underWay)
    }
    perTarget(
      "certregd_upstream_throttles_total", "counter", "Calls that the upstream throttled, by target.", to: &text
    ) {
      Double($0.throttles)
    }
    perOperation(
      "certregd_operation_throttles_total", "counter", "Calls that the upstream throttled, by target and operation.",
      to: &text
    ) { Double($0.throttles) }
    perOperation(
      "certregd_operation_waiting", "gauge",
      "Jobs that wait to make a call, or for the next try, by target and operation.",
      to: &text
    ) { Double($0.queued) }
    perOperation(
      "certregd_operation_pace_calls_per_second", "gauge",
      "Calls a second that the pacer allows, by target and operation; absent without a pace.", to: &text
    ) { $0.ratePerSecond }
    text.family(
      "certregd_step_failures_total", "counter", "Steps after a registration that failed for good, by operation.")
    for operation in UpstreamOperation.ofJobs where operation != .registerCertificateWithoutCA {
      text.sample(
        "certregd_step_failures_total", [("operation", operation.rawValue)],
        Double(engine.failedSteps[operation.rawValue] ?? 0))
    }
  }

  private func writeHealth(to text: inout Exposition) {
    perTarget("certregd_upstream_healthy", "gauge", "1 while the target's upstream answers.", to: &text) {
      $0.health == .ok ? 1 : 0
    }
    text.family(
      "certregd_upstream_state", "gauge", "1 for the state that a target is in, 0 for the others.")
    for target in engine.targets {
      for health in [TargetHealth.ok, .throttled, .unavailable, .unauthorized] {
        text.sample(
          "certregd_upstream_state", [("target", target.name.rawValue), ("state", health.rawValue)],
          target.view.health == health ? 1 : 0)
      }
    }
    perTarget(
      "certregd_upstream_last_success_timestamp_seconds", "gauge", "Time of the last successful call, by target.",
      to: &text
    ) {
      $0.lastSuccessAt.map { Double($0.millisecondsSinceEpoch) / 1000 }
    }
  }

  private func writePaces(to text: inout Exposition) {
    perTarget(
      "certregd_queue_waiting", "gauge", "Jobs that wait for their call or for the next try, by target.", to: &text
    ) {
      Double($0.queued)
    }
    perTarget(
      "certregd_pace_calls_per_second", "gauge",
      "Calls a second that the pacer allows; absent without a pace.", to: &text
    ) { $0.ratePerSecond }
    perTarget(
      "certregd_pace_tokens", "gauge", "Calls that the pacer would allow at once; absent without a pace.", to: &text
    ) { $0.tokens }
  }

  private func writeSigning(to text: inout Exposition) {
    text.family(
      "certregd_credentials_expiration_timestamp_seconds", "gauge",
      "End of the credentials in use, by target; absent without credentials, or if they have no end.")
    let signing = signing.sorted { $0.key.rawValue < $1.key.rawValue }
    for (target, held) in signing {
      guard let end = held.credentials?.expiresAt else { continue }
      text.sample(
        "certregd_credentials_expiration_timestamp_seconds", [("target", target.rawValue)],
        Double(end.millisecondsSinceEpoch) / 1000)
    }
    text.family(
      "certregd_clock_offset_seconds", "gauge",
      "Offset that signatures add to the host's clock to match the upstream's, by target.")
    for (target, held) in signing {
      text.sample(
        "certregd_clock_offset_seconds", [("target", target.rawValue)],
        Double(held.clockOffset.milliseconds) / 1000)
    }
  }

  /// Writes a family with a sample for each target that has a value.
  private func perTarget(
    _ name: String, _ type: String, _ help: String, to text: inout Exposition,
    _ value: (Registrar.TargetView) -> Double?
  ) {
    text.family(name, type, help)
    for target in engine.targets {
      if let value = value(target.view) { text.sample(name, [("target", target.name.rawValue)], value) }
    }
  }

  /// Writes a family with a sample for each operation of a target that has a value.
  private func perOperation(
    _ name: String, _ type: String, _ help: String, to text: inout Exposition, _ value: (Registrar.CallView) -> Double?
  ) {
    text.family(name, type, help)
    for target in engine.targets {
      for call in target.view.calls {
        guard let value = value(call) else { continue }
        text.sample(name, [("target", target.name.rawValue), ("operation", call.operation.rawValue)], value)
      }
    }
  }

  private func writeState(to text: inout Exposition) {
    text.single(
      "certregd_cache_hits_total", "counter", "Requests answered with a result in memory.",
      Double(sockets.memoryAnswers))
    text.single("certregd_cache_entries", "gauge", "Results in memory.", Double(cached))
    text.single(
      "certregd_cache_max_entries", "gauge", "Limit of results in memory (cache.maxEntries).",
      Double(constants.maxCached))
    text.single("certregd_store_results", "gauge", "Results on disk.", Double(stored))
    text.family(
      "certregd_store_commit_duration_seconds", "histogram", "Time from a change until it is safe on disk.")
    text.histogram("certregd_store_commit_duration_seconds", [], engine.commitTimes)
    text.single(
      "certregd_store_failing", "gauge", "1 while the store cannot write changes.", engine.storeError == nil ? 0 : 1)
    text.single(
      "certregd_reload_refused", "gauge", "1 if the last reload was refused and the old configuration stays.",
      reloadProblem == nil ? 0 : 1)
    text.single(
      "certregd_log_messages_dropped_total", "counter", "Log messages dropped: their destination was too slow.",
      Double(missingLog.dropped))
    text.single(
      "certregd_log_messages_suppressed_total", "counter", "Log messages held back: too many of one kind.",
      Double(missingLog.suppressed))
    text.family("certregd_build_info", "gauge", "1, with the version as label.")
    text.sample("certregd_build_info", [("version", Version.current)], 1)
  }

  /// The names that Prometheus' client libraries share.
  private func writeProcess(_ process: ProcessFigures, to text: inout Exposition) {
    text.single("process_cpu_seconds_total", "counter", "Time on CPUs, user and system.", process.cpuSeconds)
    text.single(
      "process_resident_memory_bytes", "gauge", "Resident memory.", Double(process.residentBytes))
    text.single("process_virtual_memory_bytes", "gauge", "Address space.", Double(process.virtualBytes))
    text.single("process_threads", "gauge", "Threads.", Double(process.threads))
    text.single("process_open_fds", "gauge", "Open file descriptors.", Double(process.openFiles))
    if let limit = process.maxOpenFiles {
      text.single("process_max_fds", "gauge", "Limit of open file descriptors.", Double(limit))
    }
    text.single(
      "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.", process.startTime)
  }
}

extension RequestCounts.Key: Comparable {
  static func < (left: Self, right: Self) -> Bool {
    (left.operation.rawValue, left.outcome, left.reason) < (right.operation.rawValue, right.outcome, right.reason)
  }
}
