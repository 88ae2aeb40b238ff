import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Plain tensors") struct ExportTests {
  @Test(
    "an export tells the same as the file: tensors, roles, owners, configurations",
    arguments: KerasFixture.all, ExportFormat.allCases)
  func roundTrip(name: String, format: ExportFormat) throws {
    let folder = try TemporaryDirectory()
    let fixture = try KerasFixture(name)
    for path in [fixture.wholeModel, fixture.weights] {
      let original = try CheckpointReader(opening: path)
      let output = folder.file("\(original.manifest.layout)\(format.fileSuffix)")
      try original.export(to: output, format: format)
      let reader = try CheckpointReader(opening: output)
      #expect(reader.manifest.layout.rawValue == format.rawValue)
      #expect(reader.manifest.dialect == original.manifest.dialect)
      #expect(reader.manifest.entries.map(\.name) == original.manifest.entries.map(\.name))
      #expect(reader.manifest.entries.map(\.role) == original.manifest.entries.map(\.role))
      #expect(reader.manifest.optimizer?.iterations == original.manifest.optimizer?.iterations)
      let diff = try CheckpointDiff(original, reader)
      #expect(diff.isEmpty, "\(diff.configuration)")
      if original.manifest.model != nil {
        let (a, b) = (try reader.load(), try original.load())
        #expect(a.optimizer?.configuration == b.optimizer?.configuration)
        #expect(a.variables.map(\.id) == b.variables.map(\.id))
      }
    }
  }

  @Test("an export is a source to restore and convert from", arguments: ExportFormat.allCases)
  func wayBack(format: ExportFormat) throws {
    let folder = try TemporaryDirectory()
    let original = Fixture.path("keras-2.12/mlp_ema.h5")
    let plain = folder.file("plain\(format.fileSuffix)")
    try CheckpointReader(opening: original).export(to: plain, format: format)
    try CheckpointReader(opening: plain).convert(
      to: Profile(dialect: .keras2, layout: .wholeModel), writing: folder.file("back.h5"))
    let reader = try CheckpointReader(opening: plain)
    let target = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.h5"))
    let plan = RestorePlan(source: reader.manifest, target: target.manifest)
    try reader.restore(plan, into: target, writing: folder.file("restored.h5"))
    #expect(
      try CheckpointDiff(
        CheckpointReader(opening: original), CheckpointReader(opening: folder.file("back.h5"))
      ).isEmpty)
    let diff = try CheckpointDiff(reader, CheckpointReader(opening: folder.file("restored.h5")))
    #expect(diff.items.allSatisfy { $0.outcome.keyword == "equal" })
  }

  /// A safetensors file of the given header and number of data bytes 0, 1, 2, ...
  private func safetensors(_ header: String, dataByteCount: Int) -> Data {
    var data = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    data += Data(header.utf8)
    return data + Data((0..<dataByteCount).map { UInt8($0 & 1) })
  }

  @Test("every dtype passes through both formats bit for bit, roles guessed from names")
  func dtypes() throws {
    let folder = try TemporaryDirectory()
    let types = [
      "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
      "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
    ]
    var offset = 0
    let items = types.sorted { $0.key < $1.key }.map { type, size in
      defer { offset += 6 * size }
      return
        #""layer/\#(type)": {"dtype": "\#(type)", "shape": [2, 3], "data_offsets": [\#(offset), \#(offset + 6 * size)]}"#
    }
    let path = folder.file("all.safetensors")
    let text =
      "{" + items.joined(separator: ",")
      + #","empty": {"dtype":"F32","shape":[0,4],"data_offsets":[\#(offset),\#(offset)]}"# + "}"
    try safetensors(text, dataByteCount: offset).write(to: URL(fileURLWithPath: path))
    let reader = try CheckpointReader(opening: path)
    #expect(reader.manifest.entries.count == 14)
    #expect(Set(reader.manifest.entries.compactMap(\.dtype)) == Set(DType.allCases))
    #expect(
      reader.manifest.entry(named: "layer/F32")?.role
        == .weight(VariableID(layer: ["layer"], index: 3)))
    for format in ExportFormat.allCases {
      let output = folder.file("again\(format.fileSuffix)")
      try reader.export(to: output, format: format)
      let diff = try CheckpointDiff(reader, CheckpointReader(opening: output))
      #expect(diff.isEmpty && diff.items.count == 14)
    }
  }

  @Test(
    "a safetensors header that lies is refused before anything is made from it",
    arguments: [
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "F32 of shape (2,), found 4"),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "outside"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 12,
        "8 bytes of tensors, found 12"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "at byte 0"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 8, "outside"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "shape"),
      (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "shape"),
      (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, 4, "shape"),
      (
        #"{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,4]}}"#, 4,
        "the bytes of F64"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}"#, 4,
        "data_offsets"
      ),
      (#"{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}"#, 4, "X9"),
      (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "data_offsets"),
      (#"{"a":7}"#, 0, "data_offsets"),
      (
        #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}"#,
        2, "twice"
      ),
      (
        #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}"#,
        3, "at byte 2"
      ),
      (#"{"__metadata__":{"format":3}}"#, 0, "text"),
      (#"{"__metadata__":{"format":"cairn","format_version":"2"}}"#, 0, "version 1"),
      (#"{"__metadata__":{"format":"cairn","format_version":"1","dialect":"no"}}"#, 0, "tensors"),
      (#"{"a" 7}"#, 0, "JSON"),
    ])
  func hostileSafetensors(header: String, byteCount: Int, word: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.safetensors")
    try safetensors(header, dataByteCount: byteCount).write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect("\(error)".contains(word), "\(error)")
    #expect("\(error)".contains(path) && !"\(error)".contains("\n"))
  }

  @Test("a .npz with any byte changed, or cut short, is read or refused, never a crash")
  func damagedArchives() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.npz")
    try CheckpointReader(opening: Fixture.path("keras-3.15/flatten.weights.h5"))
      .export(to: path, format: .npz)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let damaged = folder.file("damaged.npz")
    for index in stride(from: 0, to: whole.count, by: 37) {
      for mask in [UInt8(0xff), 0x10] {
        var bytes = whole
        bytes[index] ^= mask
        try bytes.write(to: URL(fileURLWithPath: damaged))
        guard let reader = try? CheckpointReader(opening: damaged) else { continue }
        for entry in reader.manifest.entries where entry.dtype != nil {
          _ = try? reader.read(entry)
        }
      }
      try whole.prefix(index).write(to: URL(fileURLWithPath: damaged))
      #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: damaged) }
    }
  }

  @Test("arrays start at multiples of 64 bytes, and zip's own tools find nothing wrong")
  func alignment() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.npz")
    try CheckpointReader(opening: Fixture.path("keras-3.15/mlp.h5")).export(to: path, format: .npz)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    var start = bytes.startIndex
    var count = 0
    while let magic = bytes.range(of: Data([0x93]) + Data("NUMPY".utf8), in: start..<bytes.endIndex)
    {
      #expect(magic.lowerBound.isMultiple(of: 64))
      let length = Int(bytes[magic.upperBound + 2]) + Int(bytes[magic.upperBound + 3]) << 8
      #expect((magic.upperBound + 4 + length).isMultiple(of: 64))
      start = magic.upperBound
      count += 1
    }
    #expect(count == 17)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-m", "zipfile", "-t", path]
    let printed = Pipe()
    process.standardOutput = printed
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: printed.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationStatus == 0 && !text.contains("bad"), "\(text)")
  }
}
