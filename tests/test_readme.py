"""What the READMEs and their pages say holds: settings, endpoints, links, and each curl."""

import argparse
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from cosyvoice.serve.config import ROOT, Config
from cosyvoice.serve.http import jobs

README = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")}
CHINESE = [*ROOT.glob("*.zh-CN.md"), *ROOT.glob("docs/*.zh-CN.md"), *ROOT.glob("deploy/*.zh-CN.md")]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")]
WITH_CURLS = [
    f"{page}{language}.md"
    for page in ("README", "docs/text", "docs/requests")
    for language in ("", ".zh-CN")
]
ENDPOINTS = {"README.md": "## Endpoints\n", "README.zh-CN.md": "## 接口\n"}


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


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.name)
def test_both_languages_link_to_each_other_and_give_the_same_commands(path):
    other = path.with_name(path.name.replace(".zh-CN", ""))
    english, chinese = other.read_text("utf-8"), path.read_text("utf-8")
    assert f"({path.name})" in english and f"({other.name})" in chinese
    assert commands(english) == commands(chinese)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_link_leads_to_a_file_and_a_heading(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings, and the anchors that the page sets itself."""
    headings = re.findall("^#+ (.*)$", text, re.M)
    slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    return slugs | set(re.findall('<a id="([^"]*)"', text))


@pytest.mark.parametrize("name", README)
def test_endpoint_table_has_every_endpoint(service, name):
    table = README[name].split(ENDPOINTS[name])[1].split("\n\n")[1]
    written = {shape(code.split()[-1].split("?")[0]) for code in re.findall("`([^`]+)`", table)}
    routes = {shape(str(rule)) for rule in service(LEGACY_API="1").app.url_map.iter_rules()}
    assert routes - written == {"/page/<>"}, "the page's own files need no row"


def shape(path: str) -> str:
    """An address without the names of its parts: /jobs/<id>/subtitles.srt -> /jobs/<>/subtitles."""
    return re.sub("<[^>]*>", "<>", re.sub(r"subtitles[.].*", "subtitles.", path))


FIELDS = [
    ("README", jobs.generate_audio_fields(1)),
    ("docs/voices", jobs.VOICE_FIELDS | jobs.CONVERSION_FIELDS | jobs.RENAME_FIELDS),
    ("docs/voices", jobs.OPENAI_VOICE_FIELDS | jobs.CONSENT_FIELDS | jobs.CONSENT_LIST_FIELDS),
    ("docs/dialogue", jobs.dialogue_fields(1) | jobs.line_fields(1)),
    ("docs/books", jobs.book_fields(1)),
    ("docs/recipes", jobs.OPENAI_FIELDS),
    ("docs/text", jobs.preview_fields(1) | jobs.PRONUNCIATION_FIELDS),
]


@pytest.mark.parametrize("language", ["", ".zh-CN"])
@pytest.mark.parametrize("page, fields", FIELDS)
def test_every_field_of_an_endpoint_is_on_its_page(page, fields, language):
    text = (ROOT / f"{page}{language}.md").read_text("utf-8")
    assert [name for name in fields if not re.search(f'[`"]{name}[`"]', text)] == []


CURL = argparse.ArgumentParser()
CURL.add_argument("url", type=lambda url: url.removeprefix("http://127.0.0.1:9883"))
CURL.add_argument("-s", action="store_true")
for letter in "doX":
    CURL.add_argument(f"-{letter}")
for letter in "HF":
    CURL.add_argument(f"-{letter}", action="append", default=[])


@pytest.mark.parametrize("name", WITH_CURLS)
def test_every_curl_works_in_a_fresh_clone(service, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for folder in ("参考音频", "Fake-Instruct"):
        (tmp_path / folder).mkdir()
    client = service(
        REFERENCE_DIR=tmp_path / "参考音频", COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct"
    ).app.test_client()
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("curl ")]
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
    assert len(lines) > (8 if name in README else 1)
