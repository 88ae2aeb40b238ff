// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude,
    swiftSettings: swiftSettings)
}

func executable(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target
{
  .executableTarget(
    name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "cairn",
  products: [
    .library(name: "CairnKit", targets: ["CairnKit"]),
    .library(name: "Checkpoints", targets: ["Checkpoints"]),
    .library(name: "Inspection", targets: ["Inspection"]),
    .library(name: "Optimizers", targets: ["Optimizers"]),
    .executable(name: "cairn", targets: ["cairn"]),
    .executable(name: "checkpoint-inspect", targets: ["checkpoint-inspect"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // C libraries: a module map and a shim for the macros that Swift cannot import.
    .systemLibrary(name: "CHDF5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CDeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CNettle", providers: [.apt(["nettle-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CSystem"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CHDF5Drivers", dependencies: ["CHDF5", "CZlib"]),
    .target(name: "CKernels"),

    // The engine, lowest module first; data flows one way.
    library("HDF5", ["CHDF5", "CHDF5Drivers"]),
    library("Primitives", ["COneDNN"]),
    library("Tensors"),
    library("KerasConfiguration", ["Tensors"]),
    library("Optimizers", ["CKernels", "KerasConfiguration", "Tensors"]),
    library(
      "Checkpoints",
      [
        "CDeflate", "CKernels", "CNettle", "CSystem", "CZlib", "HDF5", "KerasConfiguration",
        "Tensors",
      ]),
    // The style and the script of HTML reports become part of the binary.
    library(
      "Inspection", ["CKernels", "Checkpoints", "KerasConfiguration", "Tensors"],
      resources: [
        .embedInCode("HTML/Assets/report.css"), .embedInCode("HTML/Assets/report.js"),
      ]),
    library(
      "Training", ["Checkpoints", "KerasConfiguration", "Optimizers", "Primitives", "Tensors"]),
    library(
      "CairnKit", ["Checkpoints", "KerasConfiguration", "Optimizers", "Tensors", "Training"]),

    executable(
      "cairn",
      [
        argumentParser, "Checkpoints", "HDF5", "KerasConfiguration", "Optimizers", "Primitives",
        "Tensors", "Training",
      ]),
    executable(
      "checkpoint-inspect",
      [argumentParser, "Checkpoints", "Inspection", "KerasConfiguration", "Tensors"]),

    // Tests. `apply-gradients` lets another framework drive the optimizer in interchange tests;
    // `save-checkpoints` is killed, and its disk taken away, by those of durability.
    .target(
      name: "TestSupport", dependencies: ["KerasConfiguration"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    executable(
      "apply-gradients", path: "Tests/apply-gradients",
      [
        argumentParser, "Checkpoints", "HDF5", "KerasConfiguration", "Optimizers", "Tensors",
        "Training",
      ]),
    executable(
      "save-checkpoints", path: "Tests/save-checkpoints",
      [argumentParser, "Checkpoints", "KerasConfiguration", "Tensors"]),
    tests("HDF5Tests", ["HDF5"]),
    tests("TensorsTests", ["Tensors"]),
    tests("KerasConfigurationTests", ["KerasConfiguration"]),
    tests("OptimizersTests", ["CKernels", "HDF5", "Optimizers"]),
    tests("CheckpointsTests", ["Checkpoints", "HDF5", "KerasConfiguration", "Tensors"]),
    tests(
      "InspectionTests",
      ["Checkpoints", "HDF5", "Inspection", "KerasConfiguration", "Optimizers", "Tensors"]),
    tests("PrimitivesTests", ["Primitives"]),
    tests(
      "TrainingTests",
      [
        "Checkpoints", "HDF5", "KerasConfiguration", "Optimizers", "Primitives", "Tensors",
        "Training",
      ]),
    tests(
      "CommandLineTests", ["cairn", "checkpoint-inspect", "save-checkpoints", "HDF5"],
      exclude: ["Expected"]),
  ]
)
