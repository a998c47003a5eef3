# SPDX-License-Identifier: Apache-2.0
"""Tests of the study's programs, without training: python3 -m unittest in this folder."""

import json
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from ratio import highest_sparsity, readings  # noqa: E402
from study import HERE, StudyError, read_runs  # noqa: E402

# Trains a run in two goes: the first is killed half way, as by a crash. It notes its calls where it runs, which
# must be the state folder, so that a run can name an earlier one.
PROGRAM = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys
arguments = sys.argv[1:]
resumed = "--resume" in arguments
folder = pathlib.Path(arguments[arguments.index("--resume" if resumed else "--output") + 1])
with open("calls.txt", "a") as calls:
    calls.write(" ".join(["resume" if resumed else "start", folder.parent.name, folder.name]) + "\\n")
group = pathlib.Path("/proc/self/autogroup")
print(os.nice(0), *(group.read_text().split()[1:] if group.exists() else []))
if "--data-path" in arguments:
    assert pathlib.Path(arguments[arguments.index("--data-path") + 1]).is_dir()
table = arguments[arguments.index("--kernels") + 1] if "--kernels" in arguments else "avx512"
if not resumed:
    (folder / "config.yaml").write_text("epochs: 1\\n")
    if "--sparsity" in arguments:
        os.kill(os.getpid(), signal.SIGKILL)
(folder / "metrics.jsonl").write_text('{"kind": "epoch", "testAccuracy": 0.5, "trainAccuracy": 0.75, "step": 1}\\n')
(folder / "summary.json").write_text(json.dumps({
    "testAccuracy": 0.5, "testLoss": 1, "sparsity": 0.9, "epochs": 1, "steps": 1,
    "machine": {"kernels": table + " bf16"}}))
"""


class StudyTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        (self.path / "x").mkdir()
        self.list = self.path / "list.json"
        self.list.write_text(json.dumps({
            "common": {"data": "cifar10"}, "sets": {"small": {"epochs": 1}},
            "variants": {"dense": {"granularity": "dense"}, "line": {"granularity": "line"}},
            "queue": [
                {"set": "small", "variants": ["line", "dense"], "sparsity": [0.9], "seeds": [1]},
                {"set": "small", "variants": ["line"], "sparsity": [0.9, 0.5], "seeds": [1, 2]},
            ]}))

    def tearDown(self):
        self.folder.cleanup()

    def queue(self, *more):
        program = self.path / "swpu"
        program.write_text(PROGRAM)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return subprocess.run(
            [sys.executable, HERE / "run-study", self.path / "state", "--swpu", program, "--commit",
             "abc", "--data-path", "x", "--runs", self.list, "--nice", "0", *more],
            capture_output=True, text=True, cwd=self.path)

    def test_the_list_is_a_queue_without_repeats(self):
        names = [run.name for run in read_runs(self.list)]
        self.assertEqual(names, [
            "small/line-0.9/seed-1", "small/dense/seed-1", "small/line-0.5/seed-1",
            "small/line-0.9/seed-2", "small/line-0.5/seed-2"])

    def test_the_committed_list_holds_what_the_study_is_about(self):
        names = {run.name for run in read_runs(HERE / "runs.json")}
        for seed in (1, 2, 3):
            for variant in ("dense", "unstructured-0.9", "sub-structured-0.9", "balanced-0.9",
                            "balanced-both-0.9", "line-0.9", "shape-0.9", "channel-0.9",
                            "filter-0.9", "unstructured-0.95", "balanced-0.95"):
                self.assertIn(f"resnet20/{variant}/seed-{seed}", names)

    def test_parts_of_the_recipe_are_compared_by_two_seeds(self):
        runs = read_runs(HERE / "halved.json")
        seeds = {}
        for run in runs:
            if run.set == "halved" and run.sparsity == 0.9:
                seeds.setdefault(run.variant, set()).add(run.seed)
        for variant in ("sub-structured", "start-1", "no-exchange", "rate-0.2", "smoothing", "distilled"):
            self.assertLessEqual({1, 2}, seeds[variant], variant)
        options = {run.variant: dict(run.options) for run in runs}
        self.assertEqual(options["start-1"]["start-density"], "1")
        self.assertNotIn("sparsity", options["dense"])
        self.assertIn("distill-from", options["distilled"])

    def test_a_run_is_queued_before_those_that_need_it(self):
        for file in ("halved.json", "runs.json"):
            runs = read_runs(HERE / file)
            names = [run.name for run in runs]
            later = [run for run in runs if run.needed]
            self.assertTrue(later)
            for run in later:
                for name in run.needed:
                    self.assertLess(names.index(name), names.index(run.name))

    def test_the_first_command_runs_on_every_kernel_table(self):
        runs = read_runs(HERE / "first-command.json")
        self.assertEqual(len(runs), 15)
        self.assertEqual(
            runs[1].arguments("DIR", 1),
            ["--threads", "1", "--seed", "2", "--data", "synthetic", "--kernels", "avx2",
             "--sparsity", "0.9"])

    def test_the_ratio_is_swept_on_halved_images(self):
        swept = {}
        for run in read_runs(HERE / "halved.json"):
            swept.setdefault(run.variant, set()).add(run.sparsity)
        self.assertLessEqual({0.7, 0.8, 0.9}, swept["channel"] & swept["sub-structured"])

    def test_images_are_halved(self):
        with tempfile.TemporaryDirectory() as folder:
            cifar, to = pathlib.Path(folder) / "cifar", pathlib.Path(folder) / "to"
            cifar.mkdir()
            planes = [bytes((x // 2 * 16 + plane) % 256 for y in range(32) for x in range(32))
                      for plane in range(3)]
            for name in [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]:
                (cifar / name).write_bytes(bytes([3]) + b"".join(planes))
            subprocess.run([sys.executable, HERE / "halve-images", cifar, to], check=True)
            files = sorted((to / "train/cat").iterdir())
            self.assertEqual(len(files), 5)
            content = (to / "test/cat/00000.png").read_bytes()
            self.assertEqual(content[16:24], struct.pack(">II", 16, 16))
            first = content.index(b"IDAT")
            length = struct.unpack(">I", content[first - 4:first])[0]
            rows = zlib.decompress(content[first + 4:first + 4 + length])
            self.assertEqual(rows[:7], bytes([0, 0, 1, 2, 16, 17, 18]))
            self.assertEqual(len(rows), 16 * (1 + 48))

    def test_an_unknown_variant_is_named(self):
        document = json.loads(self.list.read_text())
        document["queue"][0]["variants"] = ["lines"]
        self.list.write_text(json.dumps(document))
        with self.assertRaisesRegex(StudyError, "'lines' is not one of dense, line"):
            read_runs(self.list)

    def test_a_killed_run_is_resumed_and_a_finished_one_kept(self):
        first = self.queue()
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        calls = (self.path / "state/calls.txt").read_text().splitlines()
        self.assertEqual(calls[:3], [
            "start line-0.9 seed-1", "resume line-0.9 seed-1", "start dense seed-1"])
        self.assertEqual(len(calls), 9)
        self.assertEqual(self.queue().returncode, 0)
        self.assertEqual(len((self.path / "state/calls.txt").read_text().splitlines()), 9)

        to = self.path / "results"
        subprocess.run(
            [sys.executable, HERE / "collect", self.path / "state", "--runs", self.list, "--to", to],
            check=True, capture_output=True)
        rows = json.loads((to / "small.json").read_text())["rows"]
        self.assertEqual(len(rows), 5)
        killed = next(row for row in rows if row["sparsity"] == 0.9 and row["seed"] == 1)
        self.assertEqual([session["commit"] for session in killed["sessions"]], ["abc", "abc"])
        self.assertIn("--sparsity 0.9", killed["command"])
        subprocess.run([sys.executable, HERE / "draw", to], check=True)
        self.assertIn("| line 90 % | 50.00 % | 0.00 | 50.00, 50.00 | 75.0 % |", (to / "README.md").read_text())
        self.assertTrue((to / "small.svg").read_text().startswith("<svg"))

    def test_data_grow_over_state_folders(self):
        self.queue()
        to = self.path / "results"
        collect = [sys.executable, HERE / "collect", self.path / "state", "--runs", self.list, "--to", to]
        subprocess.run(collect, check=True, capture_output=True)
        before = (to / "small.json").read_text()

        (self.path / "state").rename(self.path / "lost")
        self.assertEqual(self.queue("--beyond", to, "--list").stdout, "")
        nothing = subprocess.run(collect, capture_output=True, text=True)
        self.assertEqual(nothing.returncode, 1)
        self.assertIn("no run of", nothing.stderr)
        self.assertEqual((to / "small.json").read_text(), before)

        document = json.loads(self.list.read_text())
        document["queue"].append({"set": "small", "variants": ["line"], "sparsity": [0.7], "seeds": [1, 2]})
        self.list.write_text(json.dumps(document))
        self.assertEqual(self.queue("--beyond", to).returncode, 0)
        self.assertEqual((self.path / "state/calls.txt").read_text().splitlines(), [
            f"{verb} line-0.7 seed-{seed}" for seed in (1, 2) for verb in ("start", "resume")])
        shutil.rmtree(self.path / "state/runs/small/line-0.7/seed-2")
        subprocess.run(collect, check=True, capture_output=True)
        after = json.loads((to / "small.json").read_text())
        self.assertEqual(after["runsNotFinished"], 1)
        rows = json.loads(before)["rows"]
        self.assertEqual([row for row in after["rows"] if row["sparsity"] != 0.7], rows)
        self.assertEqual(len(after["rows"]), len(rows) + 1)

    def test_runs_have_a_low_priority_beside_other_sessions_too(self):
        nice = min(19, os.nice(0) + 7)
        self.assertEqual(self.queue("--nice", "7").returncode, 0)
        said = (self.path / "state/runs/small/dense/seed-1/output.txt").read_text()
        self.assertIn(said, [f"{nice}\n", f"{nice} nice {nice}\n"])
        self.assertEqual(" nice " in said, pathlib.Path("/proc/self/autogroup").exists())

    def test_a_folder_of_data_that_is_not_there_is_named(self):
        result = self.queue("--beyond", self.path / "no")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, f"run-study: --beyond: {self.path / 'no'} is not a folder\n")

    def test_a_file_that_is_no_data_is_named_and_kept(self):
        self.queue()
        to = self.path / "results"
        to.mkdir()
        (to / "small.json").write_text('{"set": "small", "rows": [{"seed": 1}]}')
        result = subprocess.run(
            [sys.executable, HERE / "collect", self.path / "state", "--runs", self.list, "--to", to],
            capture_output=True, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"{to / 'small.json'} is not what collect writes", result.stderr)
        self.assertEqual((to / "small.json").read_text(), '{"set": "small", "rows": [{"seed": 1}]}')

    def change(self, **more):
        document = json.loads(self.list.read_text())
        document["variants"]["line"].update(more)
        self.list.write_text(json.dumps(document))

    def collect(self, to):
        return subprocess.run(
            [sys.executable, HERE / "collect", self.path / "state", "--runs", self.list, "--to", to],
            capture_output=True, text=True)

    def test_a_resumed_run_keeps_its_kernels(self):
        self.change(kernels="avx2")
        self.assertEqual(self.queue().returncode, 0)
        to = self.path / "results"
        self.assertEqual(self.collect(to).returncode, 0)
        rows = json.loads((to / "small.json").read_text())["rows"]
        self.assertEqual(
            {(row["variant"], row["kernels"]) for row in rows},
            {("line", "avx2 bf16"), ("dense", "avx512 bf16")})
        summary = self.path / "state/runs/small/line-0.9/seed-1/summary.json"
        summary.write_text(summary.read_text().replace("avx2", "baseline"))
        refused = self.collect(to)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("baseline bf16 in place of avx2", refused.stderr)

    def test_a_run_waits_for_its_teacher(self):
        self.waits("distill-from")

    def test_a_run_waits_for_what_it_starts_from(self):
        self.waits("initialize-from")

    def waits(self, key: str):
        self.change(**{key: "runs/small/dense/seed-1"})
        first = self.queue()
        self.assertEqual(first.returncode, 1)
        self.assertIn(
            "small/line-0.9/seed-1 left out: small/dense/seed-1, which it needs", first.stdout)
        self.assertEqual(self.queue().returncode, 0)
        to = self.path / "results"
        self.assertEqual(self.collect(to).returncode, 0)
        document = json.loads((to / "small.json").read_text())
        document["rows"] = [row for row in document["rows"] if row["variant"] == "dense"]
        (to / "small.json").write_text(json.dumps(document))
        shutil.rmtree(self.path / "state")
        listed = self.queue("--beyond", to, "--list").stdout
        self.assertIn("waiting   small/dense/seed-1", listed)

    def test_a_program_or_data_that_are_not_there_are_named(self):
        for option, value in (("--swpu", "no-program"), ("--data-path", "no-folder")):
            result = self.queue(option, value)
            self.assertEqual(result.returncode, 2)
            self.assertIn(option, result.stderr)
            self.assertIn(value, result.stderr)

    def test_equal_accuracy(self):
        rows = [
            {"variant": variant, "sparsity": sparsity, "seed": 1, "testAccuracy": accuracy, "macDensity": None,
             "hours": 1, "kernels": "avx2", "command": "c", "sessions": []}
            for variant, sparsity, accuracy in (
                ("dense", 0, 0.9), ("filter", 0.5, 0.88), ("filter", 0.9, 0.8), ("channel", 0.5, 0.86),
                ("channel", 0.9, 0.6), ("sub-structured", 0.5, 0.885), ("sub-structured", 0.9, 0.84))]
        (self.path / "small.json").write_text(json.dumps({"set": "small", "runsNotFinished": 0, "rows": rows}))
        self.list.unlink()
        subprocess.run([sys.executable, HERE / "draw", self.path], check=True)
        text = (self.path / "README.md").read_text()
        # Filters lose 8 points from 50 to 90 %, half of which leave 84 % at 70 %.
        self.assertIn("| 90 % | 84.00 % | 70.0 % | 3.00x |", text)
        self.assertIn("Below 50 % nothing was measured", text)

    def test_ratios(self):
        points = [(0.0, 90.0), (0.5, 89.8), (0.9, 88.8), (0.95, 80.0)]
        sparsity, open_end = highest_sparsity(points, 89.0)
        self.assertAlmostEqual(sparsity, 0.5 + 0.4 * 0.8)
        self.assertFalse(open_end)
        self.assertEqual(highest_sparsity(points, 79.0), (0.95, True))
        self.assertIsNone(highest_sparsity(points, 91.0))
        three = readings(0.9, 0.8)
        self.assertAlmostEqual(three["ratioOfSurvivors"], 2)
        self.assertAlmostEqual(three["points"], 10)


if __name__ == "__main__":
    unittest.main()
