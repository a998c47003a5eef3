// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import swpu

@Suite("Words of a command line") struct ArgumentsTests {
  @Test("a negative number belongs to the option before it")
  func negativeNumbers() throws {
    let words = ["simulate", "--sparsity", "-0.1", "--batch", "-5", "--voltage", "-.5", "-x", "-3"]
    #expect(
      try Arguments.prepared(words)
        == ["simulate", "--sparsity=-0.1", "--batch=-5", "--voltage=-.5", "-x", "-3"])
    #expect(
      try Arguments.prepared(["--a=1", "-2", "--", "--b", "-3", ""])
        == ["--a=1", "-2", "--", "--b", "-3", ""])
  }

  @Test(
    "empty words are refused",
    arguments: [["train", "--output", ""], ["train", "--output="], [""]])
  func emptyWords(words: [String]) {
    #expect(throws: ValidationError.self) { try Arguments.prepared(words) }
  }

  @Test(
    "an unknown option is found among others, with the one that was meant",
    arguments: [
      (["simulate", "--model", "lenet5", "--sparsty", "0.9"], "--sparsty", "--sparsity"),
      (["export", "--formt", "onnx", "run"], "--formt", "--format"),
      (["data", "fetch", "--form=x", "mnist"], "--form", "--from"),
      (["bench", "step", "--colour", "red"], "--colour", nil),
      (["--versoin"], "--versoin", "--version"),
      (["train", "--lr", "0.1"], "--lr", "--learning-rate"),
      (["train", "--epochs", "3", "--bs=64"], "--bs", "--batch"),
      (["train", "--batch_size", "64"], "--batch_size", "--batch"),
      (["train", "--wd", "1e-4"], "--wd", "--weight-decay"),
      (["train", "-lr", "0.1"], "-lr", "--learning-rate"),
      (["train", "-seed", "-1"], "-seed", "--seed"),
      (["train", "--pretrained", "a"], "--pretrained", "--initialize-from"),
      (["evaluate", "run", "--lr", "1"], "--lr", nil),
    ] as [([String], String, String?)])
  func unknown(words: [String], name: String, likely: String?) throws {
    let found = try #require(UnknownOption(in: words, of: SWPU.self))
    #expect(found.name == name)
    if likely != "--version" { #expect(found.likely == likely) }
  }

  @Test(
    "known options are none",
    arguments: [["simulate", "--model", "lenet5", "--help"], ["train", "--", "--x"]])
  func known(words: [String]) { #expect(UnknownOption(in: words, of: SWPU.self) == nil) }
}
