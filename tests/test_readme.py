"""What the two READMEs say of the settings is what the service does."""
import re
from dataclasses import fields
from pathlib import Path

import pytest

from cosyvoice.serve.config import ROOT, Config

README = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")}


def settings_rows(text: str) -> dict[str, str]:
    """{environment variable: default as written} of the settings table."""
    found = {}
    for line in text.splitlines():
        names, defaults = (re.findall(r"`([^`]*)`", cell) for cell in (line.split("|") + ["", ""])[1:3])
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
    return [line.split()[:3] for line in text.splitlines() if line.startswith((".venv/bin/", "bash ", "curl "))]


def test_both_readmes_link_to_each_other_and_give_the_same_commands():
    english, chinese = README["README.md"], README["README.zh-CN.md"]
    assert "(README.zh-CN.md)" in english and "(README.md)" in chinese
    assert commands(english) == commands(chinese) and len(commands(english)) > 10
