# SPDX-License-Identifier: Apache-2.0
"""The program under mpirun: `make mpi` builds it with MPI and runs this."""

import csv
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

COMMAND = os.environ["SWPU_COMMAND"]
TRAINING = ["train", "--train-images", "320", "--width", "0.25", "--batch", "32", "--threads", "1",
            "--schedule", "dynamic", "--update-interval", "5", "--seed", "3"]
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]
# CI and containers run as root, which mpirun asks to be told twice.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def swpu(ranks, *words, folder, **options):
    start = [] if ranks is None else [*MPIRUN, "-n", str(ranks)]
    return subprocess.run(
        [*start, COMMAND, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=600,
        **options)


def checkpoint(run):
    """The newest checkpoint of a run."""
    return max((run / "checkpoints").glob("step-*.ckpt"))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed, so nothing is tested on several ranks")
class RanksTests(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)

    def tearDown(self):
        self.place.cleanup()

    def train(self, ranks, name, *words):
        result = swpu(ranks, *TRAINING, "--output", name, *words, folder=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_ranks_train_one_network_and_write_it_once(self):
        first = self.train(2, "first", "--epochs", "2", "--json")
        self.train(2, "second", "--epochs", "2")
        summary = json.loads(first.stdout)
        self.assertEqual(summary["exchange"]["ranks"], 2)
        self.assertEqual(summary["exchange"]["steps"], 20)
        self.assertLess(summary["exchange"]["bytes"], summary["exchange"]["maskBytes"] * 20)
        self.assertEqual(first.stderr.count("Training resnet20"), 1)
        # Headers name the run's own folder nowhere, so files of equal training are equal.
        self.assertEqual(digest(checkpoint(self.folder / "first")), digest(checkpoint(self.folder / "second")))
        epochs = [json.loads(line) for line in (self.folder / "first/metrics.jsonl").read_text().splitlines()]
        self.assertEqual([line["epoch"] for line in epochs if line["kind"] == "epoch"], [1, 2])

    def test_a_rank_that_dies_ends_all_and_the_run_is_resumed_by_others(self):
        process = subprocess.Popen(
            [*MPIRUN, "-n", "2", COMMAND, *TRAINING, "--epochs", "500", "--output", "run"], cwd=self.folder,
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            run, end = self.folder / "run", time.monotonic() + 300
            while not list((run / "checkpoints").glob("step-*[1-9]0.ckpt")):
                self.assertLess(time.monotonic(), end, "no epoch ended")
                self.assertIsNone(process.poll())
                time.sleep(0.1)
            children = subprocess.run(
                ["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            ranks = {}
            for child in children:
                values = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
                rank = [value for value in values if value.startswith(b"OMPI_COMM_WORLD_RANK=")]
                ranks[rank[0].split(b"=")[1]] = int(child)
            os.kill(ranks[b"1"], signal.SIGKILL)
            errors = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        self.assertNotEqual(process.returncode, 0)
        self.assertRegex(errors, "process rank 1 .* exited on signal 9")
        for ranks in (3, None):
            done = int(checkpoint(run).stem[5:]) // 10
            result = swpu(
                ranks, "train", "--resume", "run", "--epochs", str(done + 1), "--threads", "1", folder=self.folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(checkpoint(run).name, f"step-{10 * (done + 1):08}.ckpt")

    def test_an_error_of_a_rank_names_it(self):
        (self.folder / "run").mkdir()
        (self.folder / "run/config.yaml").write_text("")
        result = swpu(2, *TRAINING, "--epochs", "1", "--output", "run", folder=self.folder)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, "rank 0 on .*: Error: .*run: cannot start a run there")
        result = swpu(3, *TRAINING, "--batch", "2", "--output", "other", folder=self.folder)
        self.assertRegex(result.stderr, "batch: 2 is not allowed; at least 3, an image for each rank")
        self.assertFalse((self.folder / "other").exists())

    def test_ranks_share_a_sweep(self):
        words = ["explore", "--model", "lenet5", "--granularity", "line", "--sparsity", "0.5", "--threads", "1",
                 "--sweep", "array.rows=4,8,16", "--sweep", "array.window=4,8,16"]
        tables = []
        for ranks in (None, 2):
            result = swpu(ranks, *words, "--output", f"{ranks}.csv", folder=self.folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout.count("Pareto set"), 1)
            tables.append(list(csv.reader((self.folder / f"{ranks}.csv").read_text().splitlines())))
        self.assertEqual(len(tables[0]), 10)
        self.assertEqual(tables[0], tables[1])


if __name__ == "__main__":
    unittest.main()
