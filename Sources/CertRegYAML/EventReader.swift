import CLibYAML

/// The events of a text, from libyaml's parser. All pointers of libyaml stay in here.
final class EventReader {
  /// An event, and what the text says of its node.
  struct Event {
    enum Kind {
      case streamStart
      case streamEnd
      case documentStart
      case documentEnd
      case alias(String)
      case scalar(String, isPlain: Bool)
      case sequenceStart
      case sequenceEnd
      case mappingStart
      case mappingEnd
    }

    var kind: Kind
    var mark: YAMLMark
    var anchor: String?
    var tag: String?
  }

  // Memory of its own, since libyaml keeps pointers into the parser. It lives and dies with this object.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeBufferPointer<UInt8>

  /// - Parameter text: Has to outlive the reader.
  /// - Throws: ``YAMLError`` where there is no memory.
  init(_ text: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
    self.text = text
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      throw YAMLError(problem: "there is no memory for it", mark: nil, context: nil)
    }
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event. There is none after the end of the stream.
  ///
  /// - Throws: ``YAMLError``.
  func next() throws(YAMLError) -> Event {
    var raw = yaml_event_t()
    guard yaml_parser_parse(parser, &raw) == 1 else { throw error() }
    defer { yaml_event_delete(&raw) }
    var event = Event(kind: .streamEnd, mark: YAMLMark(raw.start_mark))
    switch raw.type {
    case YAML_STREAM_START_EVENT: event.kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: event.kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: event.kind = .documentEnd
    case YAML_ALIAS_EVENT: event.kind = .alias(Self.string(raw.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = raw.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      event.kind = .scalar(
        String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      event.anchor = Self.string(scalar.anchor)
      event.tag = Self.string(scalar.tag)
    case YAML_SEQUENCE_START_EVENT:
      event.kind = .sequenceStart
      event.anchor = Self.string(raw.data.sequence_start.anchor)
      event.tag = Self.string(raw.data.sequence_start.tag)
    case YAML_SEQUENCE_END_EVENT: event.kind = .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      event.kind = .mappingStart
      event.anchor = Self.string(raw.data.mapping_start.anchor)
      event.tag = Self.string(raw.data.mapping_start.tag)
    case YAML_MAPPING_END_EVENT: event.kind = .mappingEnd
    default: event.kind = .streamEnd
    }
    return event
  }

  private func error() -> YAMLError {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) }
    switch state.error {
    case YAML_READER_ERROR:
      // libyaml's mark is behind the fault here: it reads ahead.
      let line = text.prefix(state.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
      return YAMLError(
        problem: problem ?? "it cannot be read", mark: YAMLMark(line: line, column: 1), context: nil)
    case YAML_MEMORY_ERROR:
      return YAMLError(problem: "there is no memory for it", mark: nil, context: nil)
    default:
      let context = state.context.map {
        YAMLError.Context(text: String(cString: $0), mark: YAMLMark(state.context_mark))
      }
      return YAMLError(problem: problem ?? "it cannot be read", mark: YAMLMark(state.problem_mark), context: context)
    }
  }

  private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    text.map { String(cString: $0) }
  }
}

extension YAMLMark {
  init(_ mark: yaml_mark_t) {
    self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
