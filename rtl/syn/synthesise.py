# SPDX-License-Identifier: Apache-2.0
"""Maps a unit to the cells of a library with Yosys: SystemVerilog in, a netlist as JSON out.

Netlists are kept in `.build/netlists`, by the content of all that they are made from.
"""

import contextlib
import fnmatch
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import tempfile
from concurrent import futures
from importlib import metadata

RTL = pathlib.Path(__file__).resolve().parent.parent
KEPT = RTL.parent / ".build" / "netlists"

# Cells that a placer does not want in plain logic: ASAP7's odd sizes, scan and latches, and of any
# library delays, clock gates, tri-state drivers.
UNWANTED = [
    "*x1p*_ASAP7*", "*xp*_ASAP7*", "SDF*", "ICG*", "DLL*", "DHL*",
    "*_dlygate*", "*_lgcp*", "*_slgcp*", "*_sdf*", "*_einvn*", "*_ebufn*", "*_dlh*", "*_dll*",
    "*_sighold*", "*_antennanp*", "*_decap*", "*_fill*", "TBUF*", "LATCH*",
]
# Yosys's own steps for ABC without those that look for equal nets by proof (fraig, scorr) and for other
# forms of the same logic (dch): their time grows with the square of a unit's size and more, and they
# save 3 % of the area of a small scan unit.
QUICK = "+strash;dc2;strash;&get,-n;&nf,{D};&put;buffer;upsize,{D};dnsize,{D};stime,-p"
# What drives an input and loads an output, by a cell that the library has.
DRIVERS = {"BUFx2_ASAP7_75t_R": 1.0, "sg13g2_buf_2": 6.0, "BUFX2": 10.0}


@contextlib.contextmanager
def silence():
    """Yosys writes to the process's standard output, whatever Python's is."""
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def sources(top):
    """The files of a module, of its submodules and of the packages, in order of dependence."""
    files = [RTL / line for line in (RTL / "swpu.f").read_text().split()]
    named = {file.stem: set(re.findall(r"\bswpu_\w+", file.read_text())) for file in files}
    needed, found = [top], set()
    while needed:
        name = needed.pop()
        if name in named and name not in found:
            found.add(name)
            needed += named[name]
    return [file for file in files if file.stem in found]


def is_unwanted(cell):
    return any(fnmatch.fnmatch(cell, pattern) for pattern in UNWANTED)


def key(*parts):
    """The same for the same content, in text, files and settings."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, pathlib.Path) else repr(part).encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:24]


def with_sizes(files, package):
    """The same files, with other values of some parameters of the machine in a file beside the netlists."""
    if not package:
        return files
    text = (RTL / "src/hardware/swpu_pkg.sv").read_text()
    for name, value in package.items():
        text, count = re.subn(
            rf"(parameter (?:int unsigned|bit) {name} = )[\d'b]+;", rf"\g<1>{value};", text)
        if count != 1:
            raise KeyError(f"swpu_pkg.sv has {count} parameters {name}")
    KEPT.mkdir(parents=True, exist_ok=True)
    other = KEPT / f"swpu_pkg-{key(text)}.sv"
    other.write_text(text)
    return [other if file.name == "swpu_pkg.sv" else file for file in files]


def synthesise(top, parameters, library, picoseconds, is_large=False, apart=(), package=None):
    """The netlist of a module, mapped for a delay in picoseconds; of a large one by quick steps.

    The package names parameters of the machine that differ from the default. Modules that are named `apart`, which have the same parameters wherever they stand, are mapped by
    themselves, once for all places, and put into the netlist then.
    """
    files = with_sizes(sources(top), package)
    name = key(
        *files, *library.files, top, sorted(parameters.items()), int(picoseconds), is_large, apart, UNWANTED,
        QUICK, DRIVERS, metadata.version("pyosys"))
    kept = KEPT / f"{top}-{name}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    driver = next((driver for driver in DRIVERS if driver in library), None)
    # In a separate process: the result of Yosys depends on what it mapped before.
    with futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        netlist = process.submit(
            mapped, files, top, parameters, library.files, driver, picoseconds, is_large, apart).result()
    KEPT.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(netlist))
    os.replace(partial, kept)
    return netlist


def mapped(files, top, parameters, libraries, driver, picoseconds, is_large, apart):
    from pyosys import libyosys

    liberty = " ".join(f"-liberty {file}" for file in libraries)
    unwanted = " ".join(f"-dont_use {pattern}" for pattern in UNWANTED)
    settings = " ".join(f"-G {name}={value}" for name, value in parameters.items())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        constraints, netlist = folder / "constraints", folder / "netlist.json"
        generic, script = ("-noabc", f"-script {QUICK}") if is_large else ("", "")
        hierarchy = "--keep-hierarchy" if apart else ""
        constraints.write_text(
            f"set_driving_cell {driver}\nset_load {DRIVERS[driver]} [all_outputs]\n"
            if driver else "")
        design = libyosys.Design()
        with silence():
            libyosys.run_pass(
                f"read_slang {hierarchy} --top {top} {settings} " + " ".join(map(str, files)),
                design)
            # Read with its hierarchy, a module is there once for each place.
            modules = [str(name) for name in design.modules_]
            for name in apart:
                first = next(module for module in modules if module.startswith(f"\\{name}$"))
                libyosys.run_pass(f"chtype -set {first} t:{name}$*", design)
                libyosys.run_pass(f"setattr -mod -set keep_hierarchy 1 {first}", design)
            for command in [
                f"synth -flatten {generic} -top {top}",
                f"dfflibmap {liberty} {unwanted}",
                f"abc {liberty} {unwanted} -constr {constraints} -D {picoseconds:.0f} {script}",
                *(["setattr -mod -unset keep_hierarchy *", "flatten"] if apart else []),
                "setundef -zero",
                "opt_clean -purge",
                f"write_json {netlist}",
            ]:
                libyosys.run_pass(command, design)
        return next(
            module for module in json.loads(netlist.read_text())["modules"].values()
            if "top" in module["attributes"])
