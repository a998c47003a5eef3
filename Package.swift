// swift-tools-version: 6.2
import PackageDescription

// One-way arrows, each pointing at what it imports:
// swpu → Report → Processor → Formats → Sparsity → Tensor → CKernels
// swpu → Training → Formats, Sparsity, and with the trait Pictures → CPictures → CPNG, CJPEG
let package = Package(
  name: "swpu",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "swpu", targets: ["swpu"]),
    .library(name: "Training", targets: ["Training"]),
    .library(name: "Processor", targets: ["Processor"]),
    .library(name: "Sparsity", targets: ["Sparsity"]),
    .library(name: "Tensor", targets: ["Tensor"]),
  ],
  traits: [
    .trait(
      name: "Pictures", description: "Reads PNG and JPEG pictures, with libpng and libjpeg-turbo.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CKernels",
      exclude: ["kernels", "families"],
      // Kernels at -O0 are 10-15 times slower, which would make debug test runs unbearable.
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]
    ),
    .target(name: "Tensor", dependencies: ["CKernels"]),
    .target(name: "Sparsity", dependencies: ["Tensor"]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg62-turbo-dev"]), .brew(["jpeg-turbo"])]),
    // Without the trait it is empty, so that a plain build needs neither library.
    .target(
      name: "CPictures",
      dependencies: [
        .target(name: "CPNG", condition: .when(traits: ["Pictures"])),
        .target(name: "CJPEG", condition: .when(traits: ["Pictures"])),
      ],
      cSettings: [.define("SWPU_PICTURES", .when(traits: ["Pictures"]))]
    ),
    .target(
      name: "Training",
      dependencies: [
        "Formats", "Sparsity", "Tensor", .product(name: "Yams", package: "Yams"),
        .target(name: "CPictures", condition: .when(traits: ["Pictures"])),
      ]
    ),
    .target(
      name: "Processor",
      dependencies: ["Formats", "Sparsity", "Tensor", .product(name: "Yams", package: "Yams")]
    ),
    .target(name: "Formats", dependencies: ["Sparsity", "Tensor"]),
    .target(name: "Report", dependencies: ["Formats", "Training", "Processor", "Sparsity"]),
    .executableTarget(
      name: "swpu",
      dependencies: [
        "Report", "Training", "Processor", "Formats", "Sparsity", "Tensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    // Stands in for malloc in the tests' program, so that tests can count allocations.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "FileMutation", dependencies: ["Tensor"], path: "Tests/FileMutation"),
    .testTarget(name: "TensorTests", dependencies: ["Tensor"]),
    .testTarget(
      name: "FormatsTests", dependencies: ["Formats", "Sparsity", "Tensor", "FileMutation"],
      exclude: ["FixtureScripts"], resources: [.copy("Corpus")]),
    .testTarget(name: "SparsityTests", dependencies: ["Sparsity", "Tensor"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Formats", "Sparsity", "Tensor", "AllocationCounter", "FileMutation",
      ],
      exclude: ["FixtureScripts"],
      resources: [.copy("Fixtures")]
    ),
    .testTarget(name: "ProcessorTests", dependencies: ["Processor", "Sparsity", "Tensor"]),
    .testTarget(name: "RTLTests", dependencies: ["Processor", "Sparsity", "Tensor"]),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "Training", "Processor", "Sparsity", "Tensor"]),
    .testTarget(name: "CommandTests", dependencies: ["swpu"]),
    .testTarget(
      name: "TutorialTests", dependencies: ["swpu", "Processor", "Sparsity", "Tensor", "Training"]),
  ],
  swiftLanguageModes: [.v6]
)
