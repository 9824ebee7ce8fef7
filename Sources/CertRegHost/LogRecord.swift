package import CertRegCore
package import Logging

/// One message on its way to a destination: every text in it is escaped and bounded.
package struct LogRecord: Hashable, Sendable {
  /// A name and its value.
  package struct Field: Hashable, Sendable {
    /// A name of ``LogField``, or one of the caller.
    package var name: String
    /// The value as text.
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// When the message was logged.
  package var time: WallTime
  /// The level of the message.
  package var level: Logger.Level
  /// The label of the logger.
  package var label: String
  /// The text of the message.
  package var message: String
  /// Sorted by name, each name once.
  package var fields: [Field]
  /// Where in the source the message is from: `Module/File.swift` and line.
  package var file: String
  /// The line of the source file.
  package var line: UInt

  /// The longest message in bytes.
  package static let messageLimitBytes = 2048
  /// The longest value of a field in bytes.
  package static let valueLimitBytes = 512
  /// The most fields that are kept.
  package static let fieldLimit = 32

  /// - Parameters:
  ///   - metadata: nested values become text of their own.
  ///   - suppressed: how many messages of the kind were held back before.
  package init(
    time: WallTime, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata, file: String,
    line: UInt, suppressed: Int = 0
  ) {
    self.time = time
    self.level = level
    self.label = label
    self.message = LogText.escaped(message, limitBytes: Self.messageLimitBytes)
    fields = metadata.sorted { $0.key < $1.key }.prefix(Self.fieldLimit).map { key, value in
      Field(name: Self.fieldName(key), value: LogText.escaped("\(value)", limitBytes: Self.valueLimitBytes))
    }
    if suppressed > 0 { fields.append(Field(name: LogField.suppressed, value: String(suppressed))) }
    // Names of libraries that had to be changed may be out of order, or come twice: the last one counts then.
    if zip(fields, fields.dropFirst()).contains(where: { $0.name >= $1.name }) {
      let values = Dictionary(fields.map { ($0.name, $0.value) }) { $1 }
      fields = values.sorted { $0.key < $1.key }.map { Field(name: $0.key, value: $0.value) }
    }
    self.file = file
    self.line = line
  }

  /// Keys are ours, but those of a library may hold anything: letters, digits and `_` stay, the rest becomes `_`.
  private static func fieldName(_ key: String) -> String {
    // Most names, and without a look at Unicode's tables.
    let isPlain = key.hasOnly { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
    }
    if isPlain, !key.isEmpty, key.utf8.count <= 48 { return key }
    let characters = key.unicodeScalars.prefix(48).map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? Character(scalar) : "_"
    }
    return characters.isEmpty ? "_" : String(characters)
  }
}
