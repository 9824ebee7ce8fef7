/// A heading of names, in the words of any language that tables have.
struct NameHeading: Hashable {
  /// The place among the headings: the most specific one comes first.
  let rank: Int
  /// Whether it names a device wherever it is. A certificate, an order or a file has a serial number or a name, too.
  let isDevice: Bool

  /// Whether it names a device or a part of it, and not anything that has a name or a number.
  var isOfMachine: Bool { isDevice || !NameHeading.anything.contains(rank / 2) }
  /// Whether it can be the number of a row.
  var isNumber: Bool { rank / 2 == NameHeading.meanings.count - 1 }

  /// What headings can mean, most specific first, with the plain words for it.
  private static let meanings: [(isDevice: Bool, words: String)] = [
    (
      true,
      """
      deviceid devid deviceidentifier geräteid geraeteid gerätekennung identifiantdelappareil \
      idappareil iddeldispositivo iddispositivo apparaatid 设备id 设备标识 デバイスid 端末id 機器id
      """
    ),
    (true, "registrationid"),
    (true, "thingname"),
    (true, "nodeid"),
    (true, "uniqueid chipid"),
    (
      true,
      "devicename gerätename geraetename nomdelappareil nombredeldispositivo nomedeldispositivo 设备名称 设备名 デバイス名 端末名"
    ),
    (true, "devicenumber deviceno gerätenummer geraetenummer gerätenr 设备编号 设备号"),
    (
      true,
      """
      mac macaddress macaddr macid macadresse adressemac direcciónmac direccionmac indirizzomac macadres mac地址 \
      macアドレス
      """
    ),
    (true, "deveui eui64 eui"),
    (true, "deviceserialnumber deviceserial geräteseriennummer 设备序列号 设备序号"),
    (
      false,
      """
      serialnumber serialno serialnum serialnr serial sn seriennummer seriennr numérodesérie numerodeserie ndesérie \
      ndeserie nºdesérie nºdeserie nodesérie nsérie númerodeserie númerodesérie numerodiserie ndiserie matricola \
      serienummer 序列号 シリアル番号 シリアルナンバー 製造番号
      """
    ),
    (false, "hostname"),
    (false, "name nom nombre nome naam 名称 名前"),
    (true, "deviceuuid"),
    (false, "uuid"),
    (true, "imei imeinumber imeino imeinummer"),
    (false, "iccid"),
    (false, "uid"),
    (false, "device gerät appareil dispositivo apparaat 设备 デバイス"),
    (false, "clientid"),
    (false, "id identifier 编号"),
  ]

  private static let table: [String: NameHeading] = {
    let words = meanings.enumerated().flatMap { rank, meaning in
      // A heading with something around its words goes behind the same words alone.
      meaning.words.split { $0 == " " || $0 == "\n" }.map {
        (String($0), NameHeading(rank: 2 * rank, isDevice: meaning.isDevice))
      }
    }
    return Dictionary(words, uniquingKeysWith: { first, _ in first })
  }()

  /// The meanings that fit anything.
  private static let anything = Set(["name", "uuid", "id"].compactMap { table[$0].map { $0.rank / 2 } })

  /// What devices with several interfaces write beside MAC.
  private static let interfaces = [
    "wifi", "wlan", "ble", "bluetooth", "bt", "ethernet", "eth", "lan", "base", "sta", "station", "ap", "efuse",
    "factory", "primary", "board", "device",
  ]
  /// The meanings that are numbered or have an interface beside them: `IMEI 1`, `WiFi MAC`.
  private static let numbered = Set(["mac", "imei"].compactMap { table[$0] })

  /// Longer texts are no headings of names.
  private static let maximumBytes = 60
  /// So many headings of one row or object are looked at.
  static let maximum = 32

  /// The heading that a text is; `nil` for any other.
  static func of(_ heading: String) -> NameHeading? {
    guard heading.utf8.count <= maximumBytes else { return nil }
    return of(heading, plain: DeviceFields.plain(heading))
  }

  /// The heading that a text is; `nil` for any other.
  ///
  /// - Parameter plain: The text without what does not count.
  static func of(_ heading: String, plain: String) -> NameHeading? {
    guard heading.utf8.count <= maximumBytes else { return nil }
    if let known = table[plain] { return known }
    let bare = DeviceFields.plain(String(withoutSurroundings(heading)))
    guard let known = table[bare] ?? ofInterface(bare) else { return nil }
    return NameHeading(rank: known.rank + 1, isDevice: known.isDevice)
  }

  /// The heading without a unit or a type in brackets or behind a colon, and without the name of a table of devices:
  /// `Device ID (hex)`, `deviceId [string]`, `DeviceId:string`, `devices.device_id`.
  private static func withoutSurroundings(_ heading: String) -> Substring {
    var text = heading[...]
    while let last = text.last, last == " " { text.removeLast() }
    if let open = [")": "(", "]": "["][text.last.map(String.init) ?? ""],
      let start = text.lastIndex(of: Character(open))
    {
      let note = text[start...].lowercased()
      if !note.contains("cert"), !note.contains("zert") { text = text[..<start] }
    }
    if let colon = text.lastIndex(of: ":"), text[text.index(after: colon)...].allSatisfy(\.isLetter) {
      text = text[..<colon]
    }
    if let dot = text.lastIndex(of: "."), ["device", "devices", "thing", "things"].contains(text[..<dot].lowercased()) {
      text = text[text.index(after: dot)...]
    }
    return text
  }

  /// A heading with the name or the number of an interface.
  private static func ofInterface(_ plain: String) -> NameHeading? {
    var words = plain[...]
    while let last = words.last, ("0"..."9").contains(last) { words.removeLast() }
    let forms =
      [words]
      + interfaces.flatMap { name in
        [
          words.hasPrefix(name) ? words.dropFirst(name.count).drop { ("0"..."9").contains($0) } : nil,
          words.hasSuffix(name) ? words.dropLast(name.count) : nil,
        ].compactMap { $0 }
      }
    return forms.lazy.compactMap { table[String($0)] }.first(where: numbered.contains)
  }
}
