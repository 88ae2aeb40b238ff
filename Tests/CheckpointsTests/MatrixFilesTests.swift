import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

/// A file of `Fixtures/matrix`, and what Keras's live objects were before it was written.
struct MatrixFile: CustomStringConvertible {
  /// Such as `keras-2.12/slash_names.h5`.
  let name: String
  let layout: String

  var description: String { name }
  var path: String { Fixture.path("matrix/\(name)") }

  static let all = [
    MatrixFile(name: "keras-2.12/frozen_inner_layer.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/frozen_wrapped.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/legacy_adagrad.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/mixed_precision.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/mixed_precision_legacy.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/mixed_precision.weights.h5", layout: "weights"),
    MatrixFile(name: "keras-2.12/slash_names.h5", layout: "whole-model"),
    MatrixFile(name: "keras-2.12/subclassed.weights.h5", layout: "weights"),
    MatrixFile(name: "keras-3.15/bfloat16.keras", layout: "archive"),
    MatrixFile(name: "keras-3.15/bfloat16.weights.h5", layout: "weights"),
    MatrixFile(name: "keras-3.15/gradient_accumulation.h5", layout: "whole-model"),
    MatrixFile(name: "keras-3.15/mixed_precision.keras", layout: "archive"),
    MatrixFile(name: "keras-3.15/mixed_precision.weights.h5", layout: "weights"),
    MatrixFile(name: "keras-3.15/subclassed.weights.h5", layout: "weights"),
    MatrixFile(name: "keras-3.15/unicode_names.keras", layout: "archive"),
    MatrixFile(name: "tf_keras-2.21/mixed_precision.keras", layout: "archive"),
    MatrixFile(name: "tf_keras-2.21/nested_twice.keras", layout: "archive"),
    MatrixFile(name: "tf_keras-2.21/resaved.keras", layout: "archive"),
    MatrixFile(name: "tf_keras-2.21/subclassed.weights.h5", layout: "weights"),
  ]

  /// Weights alone do not tell the names of layers.
  var tellsNames: Bool { layout != "weights" }

  func truth() throws -> JSONValue {
    let folder = name.prefix { $0 != "/" }
    let row = name.dropFirst(folder.count + 1).prefix { $0 != "." }
    return try JSONValue(
      parsing: String(
        contentsOfFile: Fixture.path("matrix/\(folder)/\(row).truth.json"), encoding: .utf8))
  }
}

@Suite("Models of every structure, saved by every Keras") struct MatrixFilesTests {
  @Test("layout, dialect and counter are told", arguments: MatrixFile.all)
  func head(file: MatrixFile) throws {
    let truth = try file.truth()
    let manifest = try CheckpointReader(opening: file.path).manifest
    #expect(manifest.layout.rawValue == file.layout)
    let families = [Dialect.keras2: "keras2", .tfKeras: "tf_keras", .keras3: "keras3"]
    #expect(families[manifest.dialect] == truth["family"]!.string!)
    #expect(
      manifest.optimizer?.iterations == truth["optimizer"]!["iterations"]!.int.map(Int64.init))
    if let rate = manifest.optimizer?.learningRate {
      #expect(Float(rate) == Float(truth["optimizer"]!["learningRate"]!.double!))
    }
  }

  @Test(
    "every variable has Keras's shape, dtype and bytes, and its name", arguments: MatrixFile.all)
  func weights(file: MatrixFile) throws {
    let truth = try file.truth()
    let reader = try CheckpointReader(opening: file.path)
    var found: [String] = []
    for entry in reader.manifest.entries where entry.role.keyword == "weight" {
      let tensor = "\(entry.shape.dimensions) \(entry.storedType) \(try reader.sha256(of: entry))"
      found.append(file.tellsNames ? "\(entry.name) \(tensor)" : tensor)
    }
    let expected = truth["variables"]!.array!.map { variable in
      let shape = variable["shape"]!.array!.map { $0.int! }
      let tensor = "\(shape) \(variable["dtype"]!.string!) \(variable["sha256"]!.string!)"
      return file.tellsNames ? "\(variable["name"]!.string!) \(tensor)" : tensor
    }
    #expect(file.tellsNames ? found == expected : found.sorted() == expected.sorted())
  }

  @Test("slots have Keras's owners, or none and a note", arguments: MatrixFile.all)
  func slots(file: MatrixFile) throws {
    let truth = try file.truth()
    let reader = try CheckpointReader(opening: file.path)
    // Keras's name of a variable, by its bytes: no two tensors of the matrix are equal.
    let names = Dictionary(
      uniqueKeysWithValues: truth["variables"]!.array!.map {
        ($0["sha256"]!.string!, $0["name"]!.string!)
      })
    var owners: [String: String] = [:]
    for entry in reader.manifest.entries where entry.role.keyword == "weight" {
      owners[entry.name] = names[try reader.sha256(of: entry)]
    }
    var tied: Set<String> = []
    var untied: Set<String> = []
    for entry in reader.manifest.entries {
      switch entry.role {
      case .slot(let slot, _, let ownerName):
        tied.insert("\(slot) \(owners[ownerName] ?? "?") \(try reader.sha256(of: entry))")
      case .untied: untied.insert(try reader.sha256(of: entry))
      default: continue
      }
    }
    let slots = truth["optimizer"]!["slots"]!.array!
    let expected = Set(
      slots.map {
        "\($0["slot"]!.string!) \($0["variable"]!.string!) \($0["sha256"]!.string!)"
      })
    #expect(tied.isSubset(of: expected))
    #expect(tied.count + untied.count == expected.count)
    #expect(untied.isSubset(of: slots.map { $0["sha256"]!.string! }))
    #expect(untied.isEmpty || reader.manifest.notes.contains { $0.contains("unproven") })
    if file.tellsNames { #expect(untied.isEmpty) }
  }

  @Test("the loss scale's own numbers are no slots, and its counter is not the optimizer's")
  func lossScale() throws {
    let reader = try CheckpointReader(
      opening: Fixture.path("matrix/keras-3.15/mixed_precision.weights.h5"))
    let outer = reader.manifest.entries.filter { $0.name.hasPrefix("loss_scale/") }
    #expect(
      outer.map(\.name) == [
        "loss_scale/iteration", "loss_scale/learning_rate", "loss_scale/step_counter",
        "loss_scale/dynamic_scale",
      ])
    #expect(outer.allSatisfy { $0.role == .lossScale })
    #expect(reader.manifest.optimizer?.className == "Adagrad")
    #expect(reader.manifest.entries.contains { $0.role.keyword == "slot" })
  }
}
