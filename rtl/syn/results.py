# SPDX-License-Identifier: Apache-2.0
"""The file of results: units by library and name, of one run or of several.

What the file says at its top of date, commit, command, operands and tools holds for every unit that
says nothing of its own; units that were added later do.
"""

import json
import os
import pathlib


class Unreadable(Exception):
    """A file that units cannot be added to."""


def load(path):
    """What is in a file of results; nothing where there is none."""
    path = pathlib.Path(path)
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text())
        keyed(document["units"]), named(document["libraries"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(
            f"{path} has no units of an earlier run to add to ({error!r}): name another file, or"
            " remove it") from error
    return document


def keyed(units):
    return {(unit["library"], unit["unit"]): unit for unit in units}


def named(libraries):
    return {library["name"]: library for library in libraries}


def joined(earlier, origin, libraries, units):
    """Units of a run, each with the run's origin, in the places of the earlier ones; what the run did
    not touch stays as it is. A reading of the earlier units does not hold any more and is left out."""
    if earlier is None:
        return alone(origin, libraries, units)
    kept = {name: value for name, value in earlier.items() if name != "reading"}
    return {
        **kept,
        "libraries": list({**named(kept["libraries"]), **named(libraries)}.values()),
        "units": list(
            {**keyed(kept["units"]), **keyed({**unit, **origin} for unit in units)}.values()),
    }


def alone(origin, libraries, units):
    """The units of one run and no others."""
    return {"kind": "synthesised", **origin, "libraries": libraries, "units": units}


def write(path, document):
    """Whole or not at all: a run that is stopped here leaves the file as it was."""
    path = pathlib.Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(document, indent=1) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
