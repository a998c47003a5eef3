# SPDX-License-Identifier: Apache-2.0
"""Builds the engine's library with Swift and puts it into the package."""

import os
import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Build(build_py):
    def run(self):
        super().run()
        library = pathlib.Path(os.environ.get("SWPU_LIBRARY", ROOT / ".build/library/libswpu.so"))
        if "SWPU_LIBRARY" not in os.environ:
            if shutil.which("swift") is None:
                raise SystemExit("swpu: building the package needs Swift 6.2 or newer on the PATH")
            subprocess.run(["make", "library"], cwd=ROOT, check=True)
        target = pathlib.Path(self.build_lib) / "swpu"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target / "libswpu.so")


class BinaryDistribution(Distribution):
    """The wheel holds a library for one platform, and runs under any Python 3."""

    def has_ext_modules(self):
        return True


setup(cmdclass={"build_py": Build}, distclass=BinaryDistribution)
