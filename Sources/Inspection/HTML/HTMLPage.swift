public import Checkpoints
import KerasConfiguration

/// A report as one file for a browser: nothing is loaded from anywhere else.
///
/// The page holds the report's JSON as the command prints it, and pictures; a script draws it. Names enter
/// the page as text, never as markup.
public struct HTMLPage: Sendable {
  let title: String
  /// Which of the script's pages it is: `show`, `diff`, `log`.
  let kind: String
  let json: JSONValue

  /// - Parameters:
  ///   - facts: lines below the title.
  ///   - pictures: for each tensor's name, a list of ``Heatmap/json(title:measure:)``.
  init(
    kind: String, title: String, facts: [String], report: JSONValue,
    records: RecordTable? = nil, pictures: JSONObject = JSONObject()
  ) {
    self.title = title
    self.kind = kind
    var json: JSONObject = [
      "kind": .string(kind), "title": .string(title.withoutControlCharacters),
      "facts": .array(facts.map { .string($0.withoutControlCharacters) }), "report": report,
      "pictures": .object(pictures),
    ]
    if let records {
      json["records"] = [
        "columns": .array(records.columns.map { .string($0) }),
        "rows": .array(records.rows.map { .array($0) }),
      ]
    }
    self.json = .object(json)
  }

  /// The whole file, UTF-8.
  public var text: String {
    // In a script element only `<` can end the text or change how it is read; in JSON it occurs in
    // strings alone.
    let data = json.text.replacing("<", with: "\\u003c")
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <title>\(title.withoutControlCharacters.escapedForHTML)</title>
      <style>
      \(Self.asset(PackageResources.report_css))
      </style>
      </head>
      <body>
      <script type="application/json" id="report">\(data)</script>
      <script>
      \(Self.asset(PackageResources.report_js))
      </script>
      </body>
      </html>

      """
  }

  private static func asset(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// Writes the page; it appears under its name whole, or not at all.
  ///
  /// - Throws: `unwritable` when it cannot be written, or when a file of that name exists and is not to be
  ///   replaced.
  public func write(to path: String, replacing: Bool) throws(CheckpointError) {
    try TextFile.write(text, to: path, replacing: replacing)
  }
}

extension String {
  fileprivate var escapedForHTML: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
