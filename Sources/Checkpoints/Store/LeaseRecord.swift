import KerasConfiguration

/// What a lease file says: who writes in its folder.
struct LeaseRecord: Sendable, Hashable {
  let owner: ProcessIdentity
  /// Drawn for each lease, so that two of one process differ.
  let token: String

  init(owner: ProcessIdentity) {
    self.owner = owner
    token = String(UInt64.random(in: 0 ... .max), radix: 16)
  }

  var text: String {
    let json: JSONValue = [
      "host": .string(owner.host), "numbering": .string(owner.numbering),
      "process": JSONValue(Int(owner.number)), "startTime": .string(owner.startTime),
      "token": .string(token),
    ]
    return json.text + "\n"
  }

  /// Nil for a text that is none, as a writer leaves it that died at the wrong moment.
  init?(parsing text: String) {
    guard let json = try? JSONValue(parsing: text), let host = json["host"]?.string,
      let numbering = json["numbering"]?.string,
      let process = json["process"]?.int.flatMap({ Int32(exactly: $0) }),
      let startTime = json["startTime"]?.string, let token = json["token"]?.string
    else { return nil }
    owner = ProcessIdentity(
      host: host, numbering: numbering, number: process, startTime: startTime)
    self.token = token
  }
}
