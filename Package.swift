// swift-tools-version: 6.2
import PackageDescription

// One-way arrows, each pointing at what it imports:
// swpu → Report → Formats, Training, Processor → Sparsity → Tensor → CKernels
let package = Package(
  name: "swpu",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "swpu", targets: ["swpu"]),
    .library(name: "Training", targets: ["Training"]),
    .library(name: "Processor", targets: ["Processor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CKernels",
      exclude: ["kernels"],
      // Kernels at -O0 are 10-15 times slower, which would make debug test runs unbearable.
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]
    ),
    .target(name: "Tensor", dependencies: ["CKernels"]),
    .target(name: "Sparsity", dependencies: ["Tensor"]),
    .target(
      name: "Training",
      dependencies: ["Sparsity", "Tensor", .product(name: "Yams", package: "Yams")]
    ),
    .target(
      name: "Processor",
      dependencies: ["Sparsity", "Tensor", .product(name: "Yams", package: "Yams")]
    ),
    .target(name: "Formats"),
    .target(name: "Report", dependencies: ["Formats", "Training", "Processor", "Sparsity"]),
    .executableTarget(
      name: "swpu",
      dependencies: [
        "Report", "Training", "Processor", "Sparsity", "Tensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    // Stands in for malloc in the tests' program, so that tests can count allocations.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(name: "TensorTests", dependencies: ["Tensor"]),
    .testTarget(name: "SparsityTests", dependencies: ["Sparsity", "Tensor"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Sparsity", "Tensor", "AllocationCounter"],
      exclude: ["FixtureScripts"],
      resources: [.copy("Fixtures")]
    ),
    .testTarget(name: "ProcessorTests", dependencies: ["Processor", "Sparsity", "Tensor"]),
    .testTarget(name: "RTLTests", dependencies: ["Processor", "Sparsity", "Tensor"]),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "Training", "Processor", "Sparsity", "Tensor"]),
    .testTarget(name: "CommandTests", dependencies: ["swpu"]),
  ],
  swiftLanguageModes: [.v6]
)
