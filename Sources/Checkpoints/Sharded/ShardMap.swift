import KerasConfiguration

/// The document `x.weights.json` of layout E: which objects' variables lie in which of the files beside
/// it.
///
/// ```json
/// {"metadata": {"total_size": 220.0},
///  "weight_map": {"/layers/dense/vars": ["x_00000.weights.h5", "x_00001.weights.h5"]}}
/// ```
struct ShardMap {
  /// A group of variables, and the files that hold some of them.
  struct Object: Equatable {
    /// The group's path from the root, without a leading `/`.
    let group: String
    let shards: [String]
  }

  private(set) var objects: [Object]
  /// The names of the files, in the order in which the map first names them; of a checkpoint without
  /// variables, of which a map says nothing, the one that Keras 3 opens whatever the map says.
  private(set) var shards: [String]
  /// What else the document says, kept when it is written again.
  private var document = JSONObject()

  /// - Parameter path: the map's own.
  init(objects: [Object], byteCount: Int, path: String) {
    self.objects = objects
    shards = Self.shards(of: objects, path: path)
    document["metadata"] = ["total_size": JSONValue(Double(byteCount))]
  }

  /// What the document says of the bytes of all variables; nil where it says nothing.
  var byteCount: Double? { document["metadata"]?["total_size"]?.double }

  /// The same map of files of other names.
  func renamed(_ name: (String) -> String) -> ShardMap {
    var renamed = self
    renamed.objects = objects.map { .init(group: $0.group, shards: $0.shards.map(name)) }
    renamed.shards = shards.map(name)
    return renamed
  }

  private static func shards(of objects: [Object], path: String) -> [String] {
    guard !objects.isEmpty else { return [shardName(base(ofMap: path), 0)] }
    var seen: Set<String> = []
    return objects.flatMap(\.shards).filter { seen.insert($0).inserted }
  }

  /// `x` for `some/x.weights.json`, as Keras computes it.
  static func base(ofMap path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let suffix = ".weights.json"
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  /// `x_00003.weights.h5` for `x` and 3.
  static func shardName(_ base: String, _ index: Int) -> String {
    let digits = String(index)
    return "\(base)_\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).weights.h5"
  }

  /// Larger maps are no maps.
  static let byteCountLimit = 256 << 20

  /// - Throws: `unrecognized` for JSON that is no such map, `inconsistent` for one that names a file
  ///   outside of its folder or an object twice.
  init(reading path: String) throws(CheckpointError) {
    let bytes: [UInt8]
    do {
      let file = try ReadableFile(path)
      guard file.byteCount <= Self.byteCountLimit else {
        throw CheckpointError(
          .unrecognized, "cannot read", path: path,
          expected: "a map of weights of at most \(Self.byteCountLimit) bytes",
          found: "\(file.byteCount)")
      }
      bytes = try file.read(0..<file.byteCount)
    } catch {
      throw CheckpointError.reading(path, error)
    }
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw CheckpointError(
        .unreadable, "cannot read", path: path, expected: "a map of weights in JSON",
        found: error.description, cause: error)
    }
    guard let map = json["weight_map"]?.object else {
      throw CheckpointError(
        .unrecognized, "cannot read", path: path,
        problem: "expected a JSON document with a weight_map of file names, found none")
    }
    var objects: [Object] = []
    var groups: Set<String> = []
    for pair in map.pairs {
      let object = try Self.object(pair, path: path)
      guard groups.insert(object.group).inserted else {
        throw Self.inconsistent(path, pair.key, "it once in the map", "it twice")
      }
      objects.append(object)
    }
    self.objects = objects
    shards = Self.shards(of: objects, path: path)
    document = json.object!
  }

  private static func object(
    _ pair: JSONObject.Pair, path: String
  ) throws(CheckpointError) -> Object {
    let group = pair.key.drop { $0 == "/" }
    guard !group.isEmpty else {
      throw inconsistent(path, pair.key, "the path of a group of variables", "none")
    }
    let names = pair.value.array ?? [pair.value]
    var shards: [String] = []
    for name in names {
      guard let shard = name.string, !shard.isEmpty, shard != ".", shard != "..",
        !shard.utf8.contains(where: { $0 == 0x2f || $0 == 0 })
      else {
        throw inconsistent(
          path, pair.key, "the name of a file in the same folder", name.text)
      }
      shards.append(shard)
    }
    guard !shards.isEmpty, Set(shards).count == shards.count else {
      throw inconsistent(
        path, pair.key, "different names of files", pair.value.text)
    }
    return Object(group: String(group), shards: shards)
  }

  private static func inconsistent(
    _ path: String, _ object: String, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .inconsistent, "cannot read", path: path, object: object, expected: expected, found: found)
  }

  /// The document's text.
  var text: String {
    var document = document
    document["weight_map"] = .object(
      JSONObject(
        objects.map { ("/\($0.group)", .array($0.shards.map { .string($0) })) }))
    return JSONValue.object(document).prettyText
  }
}
