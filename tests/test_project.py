"""pyproject.toml and the requirements files, which the launcher installs, describe one project."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
        ("cluster", "requirements-cluster.txt"),
        ("judges", "requirements-judges.txt"),
        ("verify", "requirements-verify.txt"),
    ],
)
def test_pyproject_and_the_requirements_files_agree(name, file):
    assert declared(name) == requirements(file)


def locked(name: str) -> dict[str, list[str]]:
    """The versions of each package of a lock file: one, or one for each range of Pythons."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if re.match(r"[a-z]", line):
            requirement = Requirement(line.rstrip(" \\"))
            version = str(requirement.specifier).removeprefix("==")
            versions.setdefault(requirement.name, []).append(version)
    return versions


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
def test_the_lock_files_have_what_the_requirements_ask_for(name):
    """After a change of a requirements file run tools/lock.py."""
    versions = locked(f"{name}.lock") | locked("requirements-torch.lock")
    wanted = requirements("requirements.txt") + requirements(f"{name}.txt")
    for requirement in map(Requirement, wanted):
        found = versions.get(requirement.name.lower(), [])
        assert found and all(map(requirement.specifier.contains, found)), requirement


def test_the_tests_and_the_service_have_the_same_versions():
    tested = locked("requirements-test.lock")
    for name, versions in locked("requirements.lock").items():
        assert tested[name] == versions


@pytest.mark.parametrize("path", [*ROOT.glob("*.lock")], ids=lambda path: path.name)
def test_a_lock_file_has_digests_and_no_place_of_the_machine_that_made_it(path):
    package = r"[a-z][\w.-]+==[\w.]+( ; [\w.<>=!*'() ]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(rf"#.*\n({package})+", path.read_text("utf-8"))


def test_no_gpu_package_is_forced_on_a_machine_without_one():
    gpu = re.compile("torch$|triton|nvidia|cuda")
    for name in ("requirements.lock", "requirements-test.lock"):
        assert not [package for package in locked(name) if gpu.match(package)]


def test_actions_of_the_workflows_are_named_by_commit():
    for path in (ROOT / ".github/workflows").iterdir():
        uses = re.findall(r"uses: (.*)", path.read_text("utf-8"))
        assert uses and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", u) for u in uses)
