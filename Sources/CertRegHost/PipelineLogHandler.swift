package import Logging

/// swift-log's end of a ``LogPipeline``.
package struct PipelineLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let pipeline: LogPipeline
  /// A level that applies to this logger only.
  private var ownLevel: Logger.Level?

  init(label: String, pipeline: LogPipeline, metadataProvider: Logger.MetadataProvider?) {
    self.label = label
    self.pipeline = pipeline
    self.metadataProvider = metadataProvider
  }

  /// The pipeline's level, which a reload may change, unless this logger was given its own.
  package var logLevel: Logger.Level {
    get { ownLevel ?? pipeline.level }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let given = event.metadata { fields.merge(given) { $1 } }
    if let error = event.error { fields[LogField.error] = "\(error)" }
    pipeline.submit(event, label: label, metadata: fields)
  }
}
