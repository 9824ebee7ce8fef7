/// The writer's statements, prepared once. Parameters are the columns in their order unless said otherwise.
struct WriterStatements {
  let begin: PreparedStatement
  let commit: PreparedStatement
  let rollback: PreparedStatement
  let writeState: PreparedStatement
  let writeName: PreparedStatement
  let writeNameCopy: PreparedStatement
  let enqueue: PreparedStatement
  /// By sequence.
  let dequeue: PreparedStatement
  let writeAttempt: PreparedStatement
  /// By sequence.
  let readAttempt: PreparedStatement
  /// By sequence.
  let deleteAttempt: PreparedStatement
  /// Changes no row where there is one already.
  let insertResult: PreparedStatement
  let replaceResult: PreparedStatement
  /// By certificate and target.
  let readResult: PreparedStatement
  /// By certificate and target.
  let deleteResult: PreparedStatement
  let writeFailure: PreparedStatement
  /// By certificate and target.
  let readFailure: PreparedStatement
  /// By certificate and target.
  let deleteFailure: PreparedStatement
  let writeDevice: PreparedStatement
  /// By certificate and target.
  let deleteDevice: PreparedStatement
  let writeShared: PreparedStatement
  /// By certificate and target.
  let readShared: PreparedStatement
  /// By certificate and target.
  let resultTime: PreparedStatement
  /// By certificate and target.
  let failureTime: PreparedStatement

  init(_ connection: Connection) throws(DatabaseFault) {
    begin = try connection.prepare("BEGIN IMMEDIATE")
    commit = try connection.prepare("COMMIT")
    rollback = try connection.prepare("ROLLBACK")
    writeState = try connection.prepare("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)")
    writeName = try connection.prepare("INSERT OR REPLACE INTO name VALUES (?, ?, ?)")
    writeNameCopy = try connection.prepare("INSERT OR REPLACE INTO name_copy VALUES (?, ?, ?)")
    enqueue = try connection.prepare("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    dequeue = try connection.prepare("DELETE FROM queue WHERE sequence = ?")
    writeAttempt = try connection.prepare("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?)")
    readAttempt = try connection.prepare("SELECT * FROM attempt WHERE sequence = ?")
    deleteAttempt = try connection.prepare("DELETE FROM attempt WHERE sequence = ?")
    insertResult = try connection.prepare(
      "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
    replaceResult = try connection.prepare("INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    readResult = try connection.prepare("SELECT * FROM result WHERE certificate = ? AND target = ?")
    deleteResult = try connection.prepare("DELETE FROM result WHERE certificate = ? AND target = ?")
    writeFailure = try connection.prepare("INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?, ?)")
    readFailure = try connection.prepare("SELECT * FROM failure WHERE certificate = ? AND target = ?")
    deleteFailure = try connection.prepare("DELETE FROM failure WHERE certificate = ? AND target = ?")
    writeDevice = try connection.prepare("INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?)")
    deleteDevice = try connection.prepare("DELETE FROM device WHERE certificate = ? AND target = ?")
    writeShared = try connection.prepare("INSERT OR REPLACE INTO shared VALUES (?, ?, ?, ?, ?, ?)")
    readShared = try connection.prepare("SELECT * FROM shared WHERE certificate = ? AND target = ?")
    resultTime = try connection.prepare("SELECT finished_at FROM result WHERE certificate = ? AND target = ?")
    failureTime = try connection.prepare("SELECT finished_at FROM failure WHERE certificate = ? AND target = ?")
  }
}
