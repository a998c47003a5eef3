// SPDX-License-Identifier: Apache-2.0
import Training

/// Loss and accuracy over the training.
struct LearningSection {
  private let runs: [RunRecord]

  init(_ runs: [RunRecord]) { self.runs = runs }

  func section(_ figures: inout Figures) -> Page.Section {
    let recorded = runs.filter { !$0.metrics.epochs.isEmpty || !$0.metrics.steps.isEmpty }
    let content: [Markup]
    if recorded.isEmpty {
      content = [.paragraph("No step has been recorded yet; a line is written every 50 steps.")]
    } else if runs.count == 1 {
      content = [.grid([figures.add(loss(runs[0])), figures.add(accuracy(runs[0]))])]
    } else {
      content = [
        .grid([
          figures.add(
            across(
              "Test accuracy", "%", runs: recorded, value: { 100 * $0.report.testAccuracy })),
          figures.add(
            across("Test loss", "loss", runs: recorded, value: { $0.report.testLoss })),
          figures.add(
            across("Training loss", "loss", runs: recorded, value: { $0.report.trainLoss })),
        ])
      ]
    }
    return Page.Section(id: "learning", title: "Loss and accuracy", content: content)
  }

  private func loss(_ run: RunRecord) -> LineChart {
    chart(
      "Loss", yTitle: "cross-entropy", run, step: { $0.loss }, test: { $0.testLoss },
      format: Scale.exact)
  }

  private func accuracy(_ run: RunRecord) -> LineChart {
    chart(
      "Accuracy", yTitle: "% of the images", run, step: { 100 * $0.accuracy },
      test: { 100 * $0.testAccuracy }, format: Self.percent)
  }

  private func chart(
    _ title: String, yTitle: String, _ run: RunRecord, step: (RunMetrics.Step) -> Double,
    test: (EpochReport) -> Double, format: @escaping (Double) -> String
  ) -> LineChart {
    LineChart(
      title: title,
      summary: "Training: mean of the epoch so far. Test: after "
        + "each epoch.",
      xTitle: "step", yTitle: yTitle,
      series: [
        LineChart.Series(
          name: "training", points: run.metrics.steps.map { (Double($0.step), step($0)) }),
        LineChart.Series(
          name: "test", points: run.metrics.epochs.map { (Double($0.step), test($0.report)) }),
      ].filter { !$0.points.isEmpty },
      format: format)
  }

  private func across(
    _ title: String, _ yTitle: String, runs: [RunRecord], value: (RunMetrics.Epoch) -> Double
  ) -> LineChart {
    let lines = runs.map { run -> LineChart.Series in
      let points = run.metrics.epochs.map { (x: Double($0.step), y: value($0)) }
      return LineChart.Series(name: run.name, points: points)
    }
    let isShare = yTitle == "%"
    return LineChart(
      title: title, summary: "After each epoch, run by run.", xTitle: "step", yTitle: yTitle,
      series: lines.filter { !$0.points.isEmpty },
      format: { isShare ? Self.percent($0) : Scale.exact($0) })
  }

  private static func percent(_ value: Double) -> String { Amount.percent(value / 100) }
}
