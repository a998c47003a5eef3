# SPDX-License-Identifier: Apache-2.0
"""The highest pruning ratio at nearly dense accuracy, from a sweep of sparsities."""


def highest_sparsity(points: list[tuple[float, float]], least: float) -> tuple[float, bool] | None:
    """The highest sparsity whose accuracy is at least `least`, between two measured points by a
    straight line; and whether the sweep ended before the accuracy fell below.

    `points` are (sparsity, mean accuracy). None where even the sparsity 0 is below.
    """
    points = sorted(points)
    best = None
    for index, (sparsity, accuracy) in enumerate(points):
        if accuracy >= least:
            best = (sparsity, index == len(points) - 1)
            continue
        if best is None:
            continue
        before, above = points[index - 1]
        if above >= least:
            share = (above - least) / (above - accuracy)
            best = (before + share * (sparsity - before), False)
    return best


def readings(own: float, structured: float) -> dict[str, float]:
    """The three readings of "a higher pruning ratio than structured pruning", of two sparsities.

    The ratio of the sparsities, the ratio of the surviving weights, and the difference of the
    sparsities in points. The paper's 50.1 % is 1.501, 2.0 and 50.1 of them.
    """
    return {
        "ratioOfSparsities": own / structured if structured > 0 else float("inf"),
        "ratioOfSurvivors": (1 - structured) / (1 - own),
        "points": 100 * (own - structured),
    }
