# SPDX-License-Identifier: Apache-2.0
"""Holds a file of results to what was in it before.

    python -m unittest discover rtl/syn
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import results

FIRST = {"date": "2026-01-01", "commit": "aaaaaaa", "tools": {"pyosys": "0.1"}}
LATER = {"date": "2026-02-02", "commit": "bbbbbbb", "tools": {"pyosys": "0.2"}}
OLD, NEW = {"name": "old", "volts": 1.2}, {"name": "new", "volts": 0.7}


def unit(name, library, area):
    return {"unit": name, "library": library, "area": area}


class ResultsTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "results.json"
        self.earlier = results.alone(
            FIRST, [OLD], [unit("mac", "old", 1), unit("scan", "old", 2)])

    def test_a_units_run_leaves_the_others(self):
        found = results.joined(
            {**self.earlier, "reading": {}}, LATER, [NEW, OLD],
            [unit("mac", "new", 3), unit("mac", "old", 4)])
        self.assertEqual(found["units"], [
            {**unit("mac", "old", 4), **LATER}, unit("scan", "old", 2),
            {**unit("mac", "new", 3), **LATER},
        ])
        self.assertEqual({name: found[name] for name in FIRST}, FIRST)
        self.assertEqual(found["libraries"], [OLD, NEW])
        # It is of the units before.
        self.assertNotIn("reading", found)

    def test_the_first_run_gives_its_origin_once(self):
        found = results.joined(None, LATER, [NEW], [unit("mac", "new", 3)])
        self.assertEqual(found["units"], [unit("mac", "new", 3)])
        self.assertEqual(found["commit"], "bbbbbbb")

    def test_written_whole_or_not_at_all(self):
        self.assertIsNone(results.load(self.path))
        results.write(self.path, self.earlier)
        self.assertEqual(results.load(self.path), self.earlier)
        before = self.path.read_bytes()
        # Half of the text is on the disk when the run ends.
        with mock.patch.object(pathlib.Path, "write_text", autospec=True) as broken:
            def half(path, text):
                path.write_bytes(text.encode()[: len(text) // 2])
                raise OSError("no space left")
            broken.side_effect = half
            with self.assertRaises(OSError):
                results.write(self.path, {**self.earlier, "units": []})
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_a_file_of_something_else_is_named(self):
        for text in ["{", "[]", "{}", '{"units": [], "libraries": [{}]}', '{"units": [{"unit": 1}]}']:
            self.path.write_text(text)
            with self.assertRaisesRegex(results.Unreadable, "results.json"):
                results.load(self.path)
            self.assertEqual(self.path.read_text(), text)


class CharacteriseTests(unittest.TestCase):
    """The program itself, with a characterisation that takes no time."""

    def run_program(self, path, area, *arguments):
        import characterise

        library = mock.Mock(volts=1.2, files=[])
        library.name = "cells"

        def found(unit, library, operands):
            return {"unit": unit.name, "library": library.name, "area": area,
                    "mappings": {}, "energies": {}}

        with mock.patch.multiple(
                characterise, library_of=lambda path: library, characterise=found,
                version=lambda package: "0.2"), \
                mock.patch.object(sys, "argv", [
                    "characterise.py", "--liberty", "cells.lib", "--output", str(path),
                    *arguments]), \
                contextlib.redirect_stdout(io.StringIO()):
            characterise.main()
        return json.loads(path.read_text())

    def test_units_are_kept_and_a_full_run_replaces_all(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            results.write(path, results.alone(FIRST, [OLD], [unit("gone", "old", 1)]))
            units = self.run_program(path, 2, "--unit", "mac-2", "--unit", "add-1")["units"]
            self.assertEqual([u["unit"] for u in units], ["gone", "add-1", "mac-2"])
            document = self.run_program(path, 3, "--unit", "mac-2")
            self.assertEqual([u["area"] for u in document["units"]], [1, 2, 3])
            self.assertEqual(document["commit"], "aaaaaaa")
            self.assertEqual(document["units"][2]["tools"]["pyosys"], "0.2")
            self.assertIn("--unit mac-2", document["units"][2]["command"])
            document = self.run_program(path, 4)
            self.assertEqual({u["area"] for u in document["units"]}, {4})
            self.assertNotIn("gone", [u["unit"] for u in document["units"]])
            self.assertNotIn("commit", document["units"][0])
            self.assertEqual([library["name"] for library in document["libraries"]], ["cells"])


if __name__ == "__main__":
    unittest.main()
