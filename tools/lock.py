"""Write the lock files: exact versions and digests of what CI tests, for every platform.

    pip install uv && python tools/lock.py [--upgrade]

Without --upgrade the versions stay unless the requirements files ask for others. The files:

    requirements.lock        what the service needs, without torch
    requirements-test.lock   the same and what the tests need
    requirements-torch.lock  torch as PyPI has it, with the CUDA packages of its Linux wheel

torch has its own file, since a machine without a GPU installs a smaller build of another index.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")
HEADER = "# Made by tools/lock.py from {source}: exact versions with the digests of PyPI's files.\n"


def compile(source: str, known: list[str], upgrade: bool) -> list[str]:
    """Each package with its marker and digests, for Python 3.10 and newer on any system.

    known: packages whose versions are kept where the requirements allow it.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "all.lock"
        output.write_text("".join(known), "utf-8")
        command = ["uv", "pip", "compile", "--no-config", "--universal", "--python-version", "3.10"]
        command += ["--generate-hashes", "--no-annotate", "--no-header"]
        command += ["--quiet", "--output-file", str(output), source]
        # PyPI is the default: the settings of this machine could name another index
        settings = {name: value for name, value in os.environ.items() if name[:3] != "UV_"}
        subprocess.run(command + ["--upgrade"] * upgrade, cwd=ROOT, env=settings, check=True)
        return packages(output)


def packages(lock: Path) -> list[str]:
    """The packages of a lock file, each with the lines of its digests."""
    if not lock.is_file():
        return []
    return re.findall(r"^[\w-].*\n(?:[ ]+.*\n)*", lock.read_text("utf-8"), re.M)


def write(name: str, source: str, found: list[str]) -> None:
    (ROOT / name).write_text(HEADER.format(source=source) + "".join(found), "utf-8", newline="\n")


def main(upgrade: bool) -> None:
    names = ("requirements-test.lock", "requirements-torch.lock")
    known = [package for name in names for package in packages(ROOT / name)]
    tested = compile("requirements-test.txt", known, upgrade)
    service = compile("requirements.txt", tested, upgrade=False)
    without_torch = [package for package in tested if not TORCH.match(package)]
    write("requirements-test.lock", "requirements-test.txt", without_torch)
    without_torch = [package for package in service if not TORCH.match(package)]
    write("requirements.lock", "requirements.txt", without_torch)
    torch = [package for package in service if TORCH.match(package)]
    write("requirements-torch.lock", "requirements.txt", torch)


if __name__ == "__main__":
    main(upgrade="--upgrade" in sys.argv[1:])
