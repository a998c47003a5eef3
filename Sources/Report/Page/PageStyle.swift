// SPDX-License-Identifier: Apache-2.0
/// The look of a page: light, dark, on paper and on a telephone.
enum PageStyle {
  /// The style sheet. Series differ in colour (chosen for colour-blind readers, at a contrast of 4 to
  /// the ground at least), in dash, in marker and in hatching.
  static let sheet = Markup(
    styleSheet: """
      :root {
        --paper: #ffffff; --ink: #1d2026; --quiet: #545b66; --rule: #d9dce1; --box: #f5f6f8;
        --s0: #0072b2; --s1: #c44e00; --s2: #00805c; --s3: #a8447f;
        --s4: #a66f00; --s5: #2b86b8; --s6: #6f6a00; --s7: #4d4d4d;
      }
      @media screen and (prefers-color-scheme: dark) {
        :root {
          --paper: #16181d; --ink: #e6e8ec; --quiet: #a9b0bb; --rule: #353a43; --box: #1f2229;
          --s0: #4aa3df; --s1: #f0803c; --s2: #2fbf96; --s3: #d98cba;
          --s4: #e6a020; --s5: #8accf5; --s6: #d8cf3a; --s7: #c4c4c4;
        }
      }
      * { box-sizing: border-box }
      html { color-scheme: light dark; -webkit-text-size-adjust: 100% }
      body {
        margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 74rem;
        background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
      }
      h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; overflow-wrap: anywhere }
      h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--rule) }
      h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere }
      p { max-width: 46rem; margin: .6rem 0; overflow-wrap: anywhere }
      header > p { color: var(--quiet) }
      a { color: var(--s0) }
      nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 0; padding: 0; list-style: none }
      .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem }
      .flow { columns: 2 28rem; column-gap: 1.5rem }
      .flow figure { margin-bottom: 1.5rem }
      figure { margin: 0; min-width: 0; break-inside: avoid }
      figcaption { margin-bottom: .4rem; overflow-wrap: anywhere }
      figcaption span { color: var(--quiet); font-size: .9em }
      svg { display: block; width: 100%; max-width: 38rem; height: auto; overflow: visible }
      svg.hatchings { position: absolute; width: 0; height: 0 }
      svg text { font: 13px system-ui, sans-serif; fill: var(--ink) }
      svg text.axis { fill: var(--quiet) }
      svg text.on-full { fill: var(--paper) }
      .mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 1rem }
      .mistake img { image-rendering: pixelated; width: 4rem; height: auto }
      .mistake figcaption { font-size: .85em }
      .rule { stroke: var(--rule); fill: none }
      .s0 { color: var(--s0) } .s1 { color: var(--s1) } .s2 { color: var(--s2) } .s3 { color: var(--s3) }
      .s4 { color: var(--s4) } .s5 { color: var(--s5) } .s6 { color: var(--s6) } .s7 { color: var(--s7) }
      .line { fill: none; stroke: currentColor; stroke-width: 2 }
      .line.s1 { stroke-dasharray: 8 3 } .line.s2 { stroke-dasharray: 2 2 }
      .line.s3 { stroke-dasharray: 8 3 2 3 } .line.s4 { stroke-dasharray: 12 4 }
      .line.s5 { stroke-dasharray: 5 2 1 2 1 2 } .line.s6 { stroke-dasharray: 4 4 }
      .line.s7 { stroke-dasharray: 1 3 }
      .marker { fill: currentColor; stroke: var(--paper); stroke-width: .8 }
      .roof { fill: none; stroke: var(--ink); stroke-width: 1.6 }
      .bar { fill: currentColor; stroke: var(--paper); stroke-width: .6 }
      .hatch { stroke: none }
      .h1 { fill: url(#hatch-1) } .h2 { fill: url(#hatch-2) } .h3 { fill: url(#hatch-3) }
      .h4 { fill: url(#hatch-4) } .h5 { fill: url(#hatch-5) } .h6 { fill: url(#hatch-6) }
      .h7 { fill: url(#hatch-7) }
      pattern path { fill: none; stroke: var(--paper); stroke-width: 1.1; stroke-opacity: .75 }
      .cell { fill: var(--s0) }
      .l0 { fill-opacity: .04 } .l1 { fill-opacity: .12 } .l2 { fill-opacity: .2 } .l3 { fill-opacity: .3 }
      .l4 { fill-opacity: .4 } .l5 { fill-opacity: .55 } .l6 { fill-opacity: .7 } .l7 { fill-opacity: .85 }
      .l8 { fill-opacity: 1 }
      .mask { fill: none; stroke-width: 3.3 }
      .mask.kept { stroke: var(--ink) }
      .mask.lines { stroke: var(--s1); stroke-opacity: .38 }
      .mask.shapes { stroke: var(--s2); stroke-width: 8 }
      .waiting { fill: var(--rule) }
      .scroll, pre { overflow-x: auto; margin: .6rem 0 }
      table { border-collapse: collapse; font-size: .85em; font-variant-numeric: tabular-nums }
      caption { text-align: left; color: var(--quiet); padding: .3rem 0 }
      th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap }
      thead th { white-space: normal; border-bottom-color: var(--quiet); vertical-align: bottom }
      th:first-child { text-align: left }
      .words td { text-align: left; white-space: normal; min-width: 7rem }
      .words thead th { text-align: left }
      details { margin: .4rem 0 }
      summary { cursor: pointer; color: var(--quiet) }
      details.part > summary { color: var(--ink); font-weight: 600 }
      pre { background: var(--box); padding: .7rem; font-size: .82em; line-height: 1.4 }
      dt { font-weight: 600; margin-top: .6rem } dd { margin: 0; max-width: 46rem }
      @media (max-width: 30rem) {
        body { padding: .6rem .5rem 3rem }
        th, td { padding: .15rem .35rem }
        tbody th { max-width: 32vw; white-space: normal; overflow-wrap: anywhere }
      }
      @media print {
        .flow { columns: 2 }
        section > p { break-after: avoid; break-inside: avoid }
        body { max-width: none; padding: 0; font-size: 9.5pt }
        nav, details.numbers:not([open]) { display: none }
        .grid { grid-template-columns: 1fr 1fr; gap: .8rem }
        h2, h3, figcaption { break-after: avoid }
        pre { white-space: pre-wrap; overflow-wrap: anywhere }
        .bar, .hatch, .cell, .marker, .mask, .waiting { print-color-adjust: exact; -webkit-print-color-adjust: exact }
      }
      """)

  /// The hatchings that bars refer to.
  static let hatchings: Markup = {
    let lines = [
      "M-1 1l2-2M0 6l6-6M5 7l2-2", "M3 0V6", "M-1 5l2 2M0 0l6 6M5-1l2 2", "M0 3H6",
      "M3 0V6M0 3H6", "M0 0l6 6M0 6l6-6", "M2 3h2",
    ]
    let patterns = lines.enumerated().map { index, path in
      Markup(
        "pattern",
        [
          "id": "hatch-\(index + 1)", "width": "6", "height": "6",
          "patternUnits": "userSpaceOnUse",
        ], [Markup("path", ["d": path])])
    }
    return Markup(
      "svg", ["class": "hatchings", "aria-hidden": "true"], [Markup("defs", [:], patterns)])
  }()
}
