# SPDX-License-Identifier: Apache-2.0
"""Builds the engine's library with Swift and puts it into the package."""

import os
import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

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


class Wheel(bdist_wheel):
    """Holds a library for one platform, and runs under any Python 3."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


setup(cmdclass={"build_py": Build, "bdist_wheel": Wheel})
