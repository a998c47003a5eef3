// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct HardwarePresetsTests {
  @Test("each ablation lacks one technique and is the machine otherwise")
  func ablations() {
    let whole = HardwareDescription.swpu
    let ablations = HardwareDescription.ablations(of: whole)
    #expect(ablations.map(\.techniques.reorder) == [.natural, .hamming, .hamming])
    #expect(ablations.map(\.techniques.detectBeforeLoad) == [true, false, true])
    #expect(ablations.map(\.techniques.compress) == [true, true, false])
    #expect(Set(ablations.map(\.name)).count == 3)
    for ablation in ablations {
      var restored = ablation
      restored.name = whole.name
      restored.techniques = whole.techniques
      #expect(restored == whole)
    }
  }

  @Test("every baseline has the memories, supply and multipliers of the default")
  func baselines() {
    for baseline in HardwareDescription.presets where baseline.machine != .swpu {
      #expect(baseline.array == HardwareDescription.swpu.array)
      var memory = baseline.memory
      if baseline.machine == .unstructured || baseline.machine == .twoSided {
        // They read what a window holds in a cycle.
        #expect(memory.portsPerCore == baseline.array.window)
        memory.portsPerCore = HardwareDescription.swpu.memory.portsPerCore
      }
      #expect(memory == HardwareDescription.swpu.memory)
      #expect(baseline.supply == HardwareDescription.swpu.supply)
      #expect(baseline.schedule == HardwareDescription.swpu.schedule)
      #expect(baseline.stream == HardwareDescription.swpu.stream)
      #expect(baseline.techniques.holdZeroLanes && baseline.techniques.maskOutputs)
    }
  }
}
