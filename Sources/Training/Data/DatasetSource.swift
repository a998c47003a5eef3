// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where a data set comes from.
public enum DatasetSource: String, Sendable, Hashable, Codable, CaseIterable {
  /// Ten classes of shapes drawn from the seed, without any file; see `SyntheticImages`.
  case synthetic
  /// CIFAR-10 in its binary version: 50,000 and 10,000 colour images of 32x32, ten classes.
  case cifar10
  /// CIFAR-100 in its binary version, with the 100 fine labels as classes.
  case cifar100
  /// The IDX files of MNIST or of a set in its format, compressed or not.
  case idx
  /// Your own images, PNG and JPEG, in folders named after their classes; only in a program that was
  /// built where libpng and libjpeg are installed.
  case folder

  /// Whether this program was built where libpng and libjpeg are installed, so that it reads images.
  public static var readsImages: Bool { Picture.isReadable }

  /// What the program keeps on this machine between runs: `swpu` in the folder that XDG_CACHE_HOME
  /// names, or `.cache/swpu` in the person's folder.
  public static var cacheFolder: String {
    let environment = ProcessInfo.processInfo.environment
    // The XDG specification has a path that is not absolute ignored.
    if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return caches + "/swpu" }
    return (environment["HOME"] ?? ".") + "/.cache/swpu"
  }

  /// Reads or draws both splits.
  ///
  /// - Parameters:
  ///   - path: the folder of the files, or for CIFAR the folder that contains it; not used by
  ///     `synthetic`.
  ///   - seed: the seed of the synthetic images; not used by the others.
  ///   - trainCount: the most training images to use, the first ones; all where it is nil.
  ///   - testCount: the most test images to use, the first ones; all where it is nil.
  ///   - imageSize: rows and columns that the images of `folder` are scaled to; not used by the
  ///     others.
  ///   - cacheFolder: where the scaled images of `folder` are kept for the next time; when it is
  ///     nil they lie in a temporary file that goes with the data set. Not used by the others.
  ///   - progress: called on this thread with the part that is done, in 0...1.
  /// - Throws: a `DatasetError` that names the file, what it holds and what was expected.
  public func load(
    path: String? = nil, seed: UInt64 = 0, trainCount: Int? = nil, testCount: Int? = nil,
    imageSize: Int = 32, cacheFolder: String? = nil, progress: (Double) -> Void = { _ in }
  ) throws(DatasetError) -> Dataset {
    precondition((trainCount ?? 1) > 0 && (testCount ?? 1) > 0, "a split has at least one image")
    precondition((1...1024).contains(imageSize), "an image of at most 1,024x1,024")
    let all: Dataset
    switch self {
    case .synthetic:
      return SyntheticImages.dataset(
        seed: seed, trainCount: trainCount ?? 20_000, testCount: testCount ?? 4_000,
        progress: progress)
    case .cifar10:
      all = try CIFARFiles.ten.load(
        path: given(path, home: CIFARFiles.home), progress: progress)
    case .cifar100:
      all = try CIFARFiles.hundred.load(
        path: given(path, home: CIFARFiles.home), progress: progress)
    case .idx:
      all = try IDXFiles.load(path: given(path, home: IDXFiles.home), progress: progress)
    case .folder:
      return try PictureFolder(path: given(path, home: PictureFolder.home)).load(
        side: imageSize, trainCount: trainCount, testCount: testCount, cacheFolder: cacheFolder,
        progress: progress)
    }
    if trainCount == nil && testCount == nil { return all }
    return Dataset(
      name: all.name, train: try all.train.prefix(trainCount ?? .max),
      test: try all.test.prefix(testCount ?? .max), augmentation: all.augmentation,
      remarks: all.remarks)
  }

  private func given(_ path: String?, home: String) throws(DatasetError) -> String {
    guard let path else {
      throw DatasetError(
        fault: .missing, file: rawValue, found: "no path",
        expected: "the folder of its files"
          + (PublishedDataset.all.first { $0.source == self }
            .map { ", or `swpu data fetch \($0.name)` before" } ?? ""),
        home: home)
    }
    return path
  }
}
