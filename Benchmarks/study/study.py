# SPDX-License-Identifier: Apache-2.0
"""What the programs of the study share: its runs, where each is, and what a finished one came to."""

import itertools
import json
import os
import pathlib
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent


class StudyError(Exception):
    """A list of runs that cannot be used."""


@dataclass(frozen=True)
class Run:
    """One training run: a variant of a set, at a sparsity, from a seed."""

    set: str
    variant: str
    sparsity: float
    seed: int
    options: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, float, int]:
        """What tells the run from the others of its set."""
        return self.variant, self.sparsity, self.seed

    @property
    def name(self) -> str:
        """Folder of the run inside the state folder; unique in the study."""
        density = "" if self.sparsity == 0 else f"-{self.sparsity:g}"
        return f"{self.set}/{self.variant}{density}/seed-{self.seed}"

    @property
    def engine_arguments(self) -> list[str]:
        """Options that a run does not keep, so that it must be given them again where it is resumed."""
        kernels = dict(self.options).get("kernels")
        return [] if kernels is None else ["--kernels", kernels]

    @property
    def needed(self) -> list[str]:
        """Names of the runs of this study that it learns or starts from, and so has to wait for."""
        paths = (dict(self.options).get(key, "") for key in ("distill-from", "initialize-from"))
        return sorted({path.removeprefix("runs/") for path in paths if path.startswith("runs/")})

    def arguments(self, data_path: str, threads: int) -> list[str]:
        """Options of `swpu train` for a run from the start, without its folder."""
        result = ["--threads", str(threads), "--seed", str(self.seed)]
        if ("data", "synthetic") not in self.options:
            result += ["--data-path", data_path]
        for key, value in self.options:
            result += ["--" + key, value]
        return result


def write(path: pathlib.Path, value: object) -> None:
    """Writes JSON to a neighbour and renames it, so that a stop leaves the old or the new file."""
    neighbour = path.with_suffix(".part")
    neighbour.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(neighbour, path)


def read_runs(path: pathlib.Path) -> list[Run]:
    """The runs of a list in the order of its queue; one that is listed twice runs once."""
    document = json.loads(path.read_text())
    runs: dict[str, Run] = {}
    for entry in document["queue"]:
        for key, known in (("set", document["sets"]), ("variants", document["variants"])):
            for name in [entry[key]] if key == "set" else entry[key]:
                if name not in known:
                    raise StudyError(f"{path}: {key}: '{name}' is not one of {', '.join(known)}")
        for seed, sparsity, variant in itertools.product(
            entry["seeds"], entry["sparsity"], entry["variants"]
        ):
            if not 0 < sparsity < 1:
                raise StudyError(f"{path}: sparsity: {sparsity} is not between 0 and 1")
            options = {**document["common"], **document["sets"][entry["set"]]}
            options |= document["variants"][variant]
            is_dense = options.get("granularity") == "dense"
            if not is_dense:
                options["sparsity"] = sparsity
            run = Run(
                entry["set"], variant, 0.0 if is_dense else sparsity, seed,
                tuple((key, str(value)) for key, value in options.items()),
            )
            runs.setdefault(run.name, run)
    return list(runs.values())


def collected(folder: pathlib.Path) -> dict[str, dict[tuple[str, float, int], dict]]:
    """Rows of the data that `collect` wrote to a folder: by set, then by variant, sparsity and seed."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            document = json.loads(file.read_text())
            found[document["set"]] = {
                (row["variant"], row["sparsity"], row["seed"]): row for row in document["rows"]}
        except (ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{file} is not what collect writes: {error!r}") from error
    return found


def result_of(run: Run, folder: pathlib.Path) -> dict | None:
    """What a run came to; None while it is not finished."""
    summary_file = folder / "summary.json"
    if not summary_file.exists():
        return None
    summary = json.loads(summary_file.read_text())
    record = json.loads((folder / "study.json").read_text())
    wanted = dict(run.options).get("kernels")
    kernels = summary["machine"]["kernels"]
    if wanted is not None and kernels.split()[0] != wanted:
        raise StudyError(f"{folder} ended with the kernels {kernels} in place of {wanted}; remove it and run it again")
    curve = []
    training = None
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry.get("kind") == "epoch":
            curve.append(round(entry["testAccuracy"], 5))
            training = entry.get("trainAccuracy")
    return {
        "variant": run.variant, "sparsity": run.sparsity, "seed": run.seed,
        "testAccuracy": summary["testAccuracy"], "testLoss": summary["testLoss"],
        "measuredSparsity": summary["sparsity"], "macDensity": summary.get("macDensity"),
        "epochs": summary["epochs"], "steps": summary["steps"],
        "trainAccuracy": training, "testAccuracyByEpoch": curve,
        "command": record["command"], "sessions": record["sessions"],
        "hours": round(sum(session["seconds"] for session in record["sessions"]) / 3600, 3),
        "kernels": kernels,
    }
