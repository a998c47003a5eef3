// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// One-way arrows, each pointing at an import; ARCHITECTURE.md draws them:
// Tensor → CKernels; Masks → Files, Tensor; Pruning, Exchange → Masks; Training → Pruning, Exchange;
// Processor → Masks; RTL → Processor; Studies → Training, Processor; Report → Studies;
// swpu → Report, RTL; Library → Training, Processor; Training → CPictures → CPNG, CJPEG.
let package = Package(
  name: "swpu",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "swpu", targets: ["swpu"]),
    .library(name: "Training", targets: ["Training"]),
    .library(name: "Processor", targets: ["Processor"]),
    .library(name: "Studies", targets: ["Studies"]),
    .library(name: "Pruning", targets: ["Pruning"]),
    .library(name: "Exchange", targets: ["Exchange"]),
    .library(name: "Masks", targets: ["Masks"]),
    .library(name: "Tensor", targets: ["Tensor"]),
    // For C and Python; `make library` makes one file of it, libswpu.so.
    .library(name: "swpu-library", type: .dynamic, targets: ["Library"]),
  ],
  traits: [
    .trait(name: "MPI", description: "Training and sweeps on many machines, with Open MPI")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CKernels",
      exclude: ["kernels", "families"],
      // Kernels at -O0 are 10-15 times slower, which would make debug test runs unbearable; -O2 takes half
      // as long again to compile as -O1. make release-kernels checks those of the release.
      cSettings: [.unsafeFlags(["-O1", "-Wno-pass-failed"], .when(configuration: .debug))]
    ),
    .target(name: "Tensor", dependencies: ["CKernels"]),
    .target(name: "Files", dependencies: [.product(name: "Yams", package: "Yams")]),
    .target(name: "Masks", dependencies: ["Files", "Tensor"]),
    .target(name: "Pruning", dependencies: ["Files", "Masks", "Tensor"]),
    .target(name: "Exchange", dependencies: ["Files", "Masks", "Tensor"]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg62-turbo-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
    // Builds without the libraries too, and then reports that it cannot read images.
    .target(name: "CPictures", dependencies: ["CPNG", "CJPEG"]),
    .target(
      name: "Training",
      dependencies: [
        "CPictures", "Exchange", "Files", "Masks", "Pruning", "Tensor",
        .product(name: "Yams", package: "Yams"),
      ]
    ),
    .target(
      name: "Processor",
      dependencies: ["Files", "Masks", "Tensor", .product(name: "Yams", package: "Yams")]
    ),
    .target(name: "RTL", dependencies: ["Files", "Masks", "Processor", "Tensor"]),
    .target(
      name: "Studies",
      dependencies: ["Exchange", "Files", "Masks", "Processor", "Pruning", "Tensor", "Training"]),
    .target(
      name: "Report",
      dependencies: ["Exchange", "Files", "Masks", "Processor", "Studies", "Training"]),
    .target(
      name: "Library",
      dependencies: ["Exchange", "Files", "Masks", "Processor", "Pruning", "Tensor", "Training"],
      exclude: ["swpu.h", "linking"]),
    .executableTarget(
      name: "swpu",
      dependencies: [
        "Exchange", "Files", "Masks", "Processor", "Pruning", "RTL", "Report", "Studies", "Tensor",
        "Training", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ]
    ),
    // Replaces malloc in the tests' program, so that tests can count allocations.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    // Plain loops and the comparison of arrays; without optimisation they would take most of a test run.
    .target(
      name: "Oracles", dependencies: ["Tensor"], path: "Tests/Oracles",
      swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    // Damaged files for the tests of parsers.
    .target(
      name: "HostileFiles", dependencies: ["Files", "Tensor"], path: "Tests/HostileFiles",
      exclude: ["FixtureScripts"], resources: [.copy("Corpus")]),
    // Layers, weights and counts for the tests of masks and of pruning.
    .target(name: "MaskSamples", dependencies: ["Masks", "Tensor"], path: "Tests/MaskSamples"),
    .testTarget(name: "TensorTests", dependencies: ["Tensor", "Oracles"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "HostileFiles"]),
    .testTarget(
      name: "MasksTests", dependencies: ["Files", "MaskSamples", "Masks", "Pruning", "Tensor"]),
    .testTarget(name: "PruningTests", dependencies: ["MaskSamples", "Masks", "Pruning", "Tensor"]),
    .testTarget(
      name: "ExchangeTests",
      dependencies: ["Exchange", "Files", "Masks", "Tensor", "HostileFiles"],
      exclude: ["FixtureScripts"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Exchange", "Files", "Masks", "Pruning", "Tensor", "AllocationCounter",
        "HostileFiles", "Oracles",
      ],
      exclude: ["FixtureScripts"],
      resources: [.copy("Fixtures")]
    ),
    .testTarget(
      name: "ProcessorTests", dependencies: ["Files", "Masks", "Processor", "Pruning", "Tensor"]),
    .testTarget(
      name: "RTLTests", dependencies: ["Masks", "Oracles", "Processor", "RTL", "Tensor"]),
    .testTarget(
      name: "StudiesTests",
      dependencies: [
        "Exchange", "Files", "HostileFiles", "Masks", "Processor", "Pruning", "Studies", "Tensor",
        "Training",
      ]),
    .testTarget(
      name: "ReportTests",
      dependencies: [
        "Report", "Studies", "Training", "Processor", "Pruning", "Masks", "Files", "Tensor",
      ]),
    .testTarget(name: "CommandTests", dependencies: ["swpu"]),
    .testTarget(
      name: "TutorialTests",
      dependencies: ["swpu", "Masks", "Processor", "Pruning", "Studies", "Tensor", "Training"]),
  ],
  swiftLanguageModes: [.v6]
)

// The tests run on the release build, which is the one that users have, and reach what is internal.
for target in package.targets where [.regular, .executable].contains(target.type) {
  target.swiftSettings =
    (target.swiftSettings ?? [])
    + [.unsafeFlags(["-enable-testing"], .when(configuration: .release))]
}

// Without optimisation tests compile in half the time; what they repeat often is in Oracles, and those of
// kernels compare every number with plain loops.
for target in package.targets where target.type == .test && target.name != "TensorTests" {
  target.swiftSettings = [.unsafeFlags(["-Onone"], .when(configuration: .release))]
}
