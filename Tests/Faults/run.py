#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts faults into a copy of the sources, one at a time, and reports those that no test noticed.

    Tests/Faults/run.py                    every fault of every list
    Tests/Faults/run.py --only energy      lists and faults whose text matches
    Tests/Faults/run.py --check            only whether every fault still has its place; builds nothing

The copy is in .build/faults, with its own build. A stopped run is resumed: the result of a fault is kept
as long as its line, its source file and the files of its suites do not change, comments aside. A change
elsewhere may alter a result too; `--fresh` runs every fault again.
A suite that fails without any fault is reported, and its faults are not run.
Exit status: 0 no fault survived, 1 some did, 2 a list is wrong, or a suite fails without any fault.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import faultlist

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FAILED = re.compile(r"recorded an issue|✘ Test .* failed|Fatal error|Precondition failed")
COUNTED = re.compile(r"Test run with (\d+) test")


def git(*arguments, binary=False):
    found = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=True).stdout
    return found if binary else found.decode()


def tree(commit):
    """Content of every file by path: of a commit, or of the working copy."""
    if commit:
        names = git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")
        return {name: git("show", f"{commit}:{name}", binary=True) for name in names if name}
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name: (ROOT / name).read_bytes() for name in names if name and (ROOT / name).is_file()}


def synchronise(files, folder):
    """Makes the folder hold these files; what is equal keeps its date, so that builds stay small."""
    for path in folder.rglob("*") if folder.exists() else []:
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != ".build" and str(name) not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if name.startswith((".ci/", "docs/make-pages", "Benchmarks/peers")):
            path.chmod(0o755)


def build(folder):
    command = ["swift", "build", "--build-tests"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = done.stdout + done.stderr
        errors = list(dict.fromkeys(line for line in said.splitlines() if "error:" in line))
        sys.exit("\n".join(["The copy does not compile:", *errors[:20]]) if errors else said[-4000:])
    found = subprocess.run(["swift", "build", "--show-bin-path"], cwd=folder, capture_output=True,
                           text=True, check=True).stdout.strip()
    return next(Path(found).glob("*PackageTests.xctest"))


class Runner:
    """Runs suites of the built copy under a fault."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def run_program(self, program, number, limit):
        """The same of a program, which passes by its exit status."""
        start = time.monotonic()
        environment = dict(os.environ, **{faultlist.VARIABLE: str(number)})
        try:
            done = subprocess.run(program.split(), cwd=self.folder, env=environment, capture_output=True,
                                  timeout=limit)
            outcome = ("failed" if done.returncode else "passed", f"exit status {done.returncode}")
        except subprocess.TimeoutExpired:
            outcome = ("hung", "took too long")
        return outcome[0], time.monotonic() - start, f"{program}: {outcome[1]}"

    def run(self, suite, number, limit):
        """What happened: passed, failed, hung or nothing (no such test); with the seconds."""
        start = time.monotonic()
        environment = dict(os.environ, **{faultlist.VARIABLE: str(number)})
        process = subprocess.Popen(
            [self.program, "--testing-library", "swift-testing", "--filter", suite],
            cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True)
        timer = concurrent.futures.ThreadPoolExecutor(1)
        timed_out = []

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

        def watch():
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                timed_out.append(True)
                end()

        timer.submit(watch)
        tests, failure = 0, None
        for line in process.stdout:
            if number and FAILED.search(line):
                # The first issue is enough.
                failure = line.strip()
                end()
                break
            if counted := COUNTED.search(line):
                tests = int(counted[1])
            if FAILED.search(line):
                failure = line.strip()
        process.stdout.close()
        process.wait()
        timer.shutdown()
        seconds = time.monotonic() - start
        if timed_out:
            return "hung", seconds, "took too long"
        if failure or process.returncode:
            return "failed", seconds, failure or f"exit status {process.returncode}"
        return ("passed" if tests else "nothing"), seconds, f"{tests} tests"


class Marks:
    """Checksums of what the result of a fault depends on first of all."""

    def __init__(self, files):
        self.files, self.suites = files, {}

    def of_suite(self, suite):
        """Content of the files of the suites."""
        if suite not in self.suites:
            names = re.sub(r"\w+\.", "", suite)
            defined = re.compile(rf"\b(?:struct|class|extension) (?:{names})\b")
            self.suites[suite] = "".join(
                self.code(name) for name, content in sorted(self.files.items())
                if name.startswith("Tests/") and name.endswith(".swift") and defined.search(content.decode()))
        return self.suites[suite]

    def code(self, name):
        """A file without its lines of comments."""
        return re.sub(r"^\s*//.*\n", "", self.files[name].decode(), flags=re.MULTILINE)

    def of_fault(self, fault, path, suite):
        parts = [fault.text, self.code(path), self.of_suite(suite)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description="Which faults do the tests not notice?")
    parser.add_argument("--only", default="", help="a pattern of the fault's list, file or text")
    parser.add_argument("--check", action="store_true", help="only look for the places of all faults")
    parser.add_argument("--at", metavar="COMMIT", help="sources and tests of a commit; faults without a "
                        "place there are left out")
    parser.add_argument("--suite", help="run these tests instead of those that the lists name")
    parser.add_argument("--fresh", action="store_true", help="forget kept results")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=ROOT / ".build/faults")
    options = parser.parse_args()

    try:
        everything = faultlist.read_all(HERE)
        files = tree(options.at)
        sources = {name: content.decode() for name, content in files.items() if faultlist.is_source(name)}
        # All faults are built in, whichever are run, so that a choice does not rebuild anything.
        changed, faults = faultlist.with_faults(sources, everything, allow_absent=bool(options.at))
    except faultlist.ListError as error:
        print(error)
        return 2
    wanted = [f for f in faults
              if re.search(options.only, f"{f.area} {f.file} {f.text}", re.IGNORECASE)]
    print(f"{len(everything)} faults, {len(faults)} with a place, {len(wanted)} to run", flush=True)
    if options.check:
        return 0

    synchronise(files | {name: text.encode() for name, text in changed.items()}, options.folder)
    print("building …", flush=True)
    start = time.monotonic()
    runner = Runner(options.folder, build(options.folder))
    print(f"built in {time.monotonic() - start:.0f} s", flush=True)

    store = options.folder / ".build/results.json"
    results = json.loads(store.read_text()) if store.exists() and not options.fresh else {}
    marks = Marks(files)

    def kept(fault):
        suite = options.suite or fault.suite
        path = faultlist.locate(fault, sources)[0]
        return f"{fault.number} {suite} {marks.of_fault(fault, path, suite)}"

    keys = {fault.number: kept(fault) for fault in wanted}
    left = [fault for fault in wanted if keys[fault.number] not in results]
    print(f"{len(wanted) - len(left)} results are kept", flush=True)

    programs = sorted({fault.program for fault in left if fault.program and not options.suite})
    for program in programs:
        subprocess.run(["make", program.split()[0]], cwd=options.folder, check=True, capture_output=True)
        outcome, seconds, said = runner.run_program(program, 0, 600)
        print(f"without a fault, {seconds:5.1f} s: {said}", flush=True)
        if outcome != "passed":
            return 2

    # Without a fault every suite must pass; how long it takes sets the limit for one that hangs.
    suites = sorted({options.suite or fault.suite for fault in left})
    limits = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda suite: runner.run(suite, 0, 1800), suites)
        for suite, (outcome, seconds, said) in zip(suites, outcomes):
            print(f"without a fault, {seconds:5.1f} s: {suite}: {said}", flush=True)
            if outcome == "passed":
                limits[suite] = 30 + 10 * seconds
    failing = [suite for suite in suites if suite not in limits]
    wanted = [fault for fault in wanted if (options.suite or fault.suite) not in failing]

    def run(fault):
        suite = options.suite or fault.suite
        key = keys[fault.number]
        if result := results.get(key):
            return fault, key, result
        if fault.program in programs:
            result = runner.run_program(fault.program, fault.number, 600)
            if result[0] != "passed":
                return fault, key, result
        return fault, key, runner.run(suite, fault.number, limits[suite])

    survivors, counts = [], defaultdict(lambda: [0, 0])
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done, (fault, key, result) in enumerate(pool.map(run, wanted), 1):
            results[key] = result
            outcome, seconds, said = result
            store.write_text(json.dumps(results))
            counts[fault.area][0] += 1
            if outcome == "passed":
                counts[fault.area][1] += 1
                survivors.append(fault)
            word = "SURVIVED" if outcome == "passed" else "caught"
            print(f"{done}/{len(wanted)} {word} {seconds:5.1f} s {fault.place} {fault.file}: {fault.text}",
                  flush=True)
    print()
    for area, (total, survived) in sorted(counts.items()):
        print(f"{area:12} {total:4} faults, {survived:3} survived")
    print(f"{'all':12} {len(wanted):4} faults, {len(survivors):3} survived")
    for fault in survivors:
        print(f"  {fault.place} {fault.file}, {options.suite or fault.suite}: {fault.text}")
    for suite in failing:
        print(f"  {suite} fails without any fault; its faults were not run")
    return 2 if failing else 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
