// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "cairn", path: "../..")],
  targets: [
    // The loops that the kernels are judged by.
    .target(name: "CCeilings"),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "CCeilings", .product(name: "CairnKit", package: "cairn"),
        .product(name: "Optimizers", package: "cairn"),
      ],
      swiftSettings: swiftSettings),
  ]
)
