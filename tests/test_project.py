"""pyproject.toml and the requirements files, which the launcher installs, describe one project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [
        line.split("  #")[0].replace('"', "'") for line in lines if line and line[0] not in "#-"
    ]


def declared(name: str) -> list[str]:
    body = re.search(rf"^{name} = \[.*?\n(.*?)^\]", PYPROJECT, re.M | re.S)[1]
    return re.findall(r'^ *"([^"]*)",', body, re.M)


@pytest.mark.parametrize(
    "name, file",
    [
        ("dependencies", "requirements.txt"),
        ("test", "requirements-test.txt"),
        ("judges", "requirements-judges.txt"),
    ],
)
def test_pyproject_and_the_requirements_files_agree(name, file):
    assert declared(name) == requirements(file)
