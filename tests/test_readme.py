"""Both READMEs give the service's settings, and each curl in them works in a fresh clone."""

import argparse
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from cosyvoice.serve.config import ROOT, Config

README = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")}


def settings_rows(text: str) -> dict[str, str]:
    """{environment variable: default as written} of the settings table."""
    found = {}
    for line in text.splitlines():
        names, defaults = (
            re.findall(r"`([^`]*)`", cell) for cell in (line.split("|") + ["", ""])[1:3]
        )
        if names and all(re.fullmatch("[A-Z][A-Z0-9_]+", name) for name in names):
            found |= dict(zip(names, defaults + [""] * (len(names) - len(defaults))))
    return found


@pytest.mark.parametrize("name", README)
def test_settings_table_has_every_setting_with_its_default(name):
    table = settings_rows(README[name])
    for field in fields(Config):
        variable = field.metadata["env"] or field.name.upper()
        assert variable in table, f"{name} does not tell {variable}"
        if field.default not in ("", ()):
            assert table[variable] == written(field.default), f"{name}: {variable}"


def written(default) -> str:
    """A default as a reader would write it."""
    if isinstance(default, Path):
        return f"{default.relative_to(ROOT)}/"
    return f"{default:g}" if isinstance(default, float) else str(default)


def commands(text: str) -> list[list[str]]:
    """The first words of every shell command."""
    return [
        line.split()[:3]
        for line in text.splitlines()
        if line.startswith((".venv/bin/", "bash ", "curl "))
    ]


def test_both_readmes_link_to_each_other_and_give_the_same_commands():
    english, chinese = README["README.md"], README["README.zh-CN.md"]
    assert "(README.zh-CN.md)" in english and "(README.md)" in chinese
    assert commands(english) == commands(chinese) and len(commands(english)) > 10


CURL = argparse.ArgumentParser()
CURL.add_argument("url", type=lambda url: url.removeprefix("http://127.0.0.1:9883"))
CURL.add_argument("-s", action="store_true")
for letter in "doX":
    CURL.add_argument(f"-{letter}")
for letter in "HF":
    CURL.add_argument(f"-{letter}", action="append", default=[])


@pytest.mark.parametrize("name", README)
def test_every_curl_works_in_a_fresh_clone(service, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for folder in ("参考音频", "Fake-Instruct"):
        (tmp_path / folder).mkdir()
    client = service(
        REFERENCE_DIR=tmp_path / "参考音频", COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct"
    ).app.test_client()
    lines = [
        line for line in README[name].replace("\\\n", " ").splitlines() if line.startswith("curl ")
    ]
    for line in lines:
        call = CURL.parse_args(shlex.split(line)[1:])
        form = {
            field: Path(value[1:]).open("rb") if value.startswith("@") else value
            for field, value in (pair.split("=", 1) for pair in call.F)
        }
        answer = client.open(
            call.url,
            method=call.X or ("POST" if call.d or form else "GET"),
            data=call.d or form,
            headers=[h.split(": ", 1) for h in call.H],
        )
        assert answer.status_code in (200, 201), (line, answer.text)
        if call.o:
            Path(call.o).write_bytes(answer.data)
    assert len(lines) > 8
