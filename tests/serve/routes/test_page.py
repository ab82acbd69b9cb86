"""The page's files and headers, without a browser (test_page_browser.py has one)."""

import json
import re
import shutil
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from flask import Flask

from cosyvoice.serve.config import ROOT
from cosyvoice.serve.routes.page import FOLDER, page
from cosyvoice.utils.files import read_weights

NAMES = sorted(path.name for path in FOLDER.iterdir())
TEXTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
MODULES = [name for name in NAMES if name.endswith(".js")]


@pytest.fixture(scope="module")
def client():
    app = Flask(__name__)
    app.register_blueprint(page)
    return app.test_client()


def strings() -> dict:
    """strings.js as data: key -> [English, Chinese]."""
    return {
        key: json.loads(pair)
        for key, pair in re.findall(r'^ {2}(\w+): (\[.*?"\]),$', TEXTS["strings.js"], re.M | re.S)
    }


def used_keys() -> set:
    html = re.findall(r'data-i18n(?:-\w+)?="(\w+)"', TEXTS["index.html"])
    script = [key for name in MODULES for key in re.findall(r'\bt\("(\w+)"', TEXTS[name])]
    return {*html, *script}


def test_the_page_and_all_its_files_are_served(client):
    assert client.get("/").text == TEXTS["index.html"]
    for name in NAMES:
        answer = client.get(f"/page/{name}")
        assert answer.status_code == 200 and answer.data == (FOLDER / name).read_bytes()


def test_modules_are_javascript_whatever_the_system_says(client, monkeypatch):
    monkeypatch.setattr("mimetypes.guess_type", lambda *a, **k: ("text/plain", None))
    assert client.get("/page/main.js").mimetype == "text/javascript"


@pytest.mark.parametrize("name", ["nothing.js", "../page.py", "..%2fpage.py", "a/b.js", ""])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/page/{name}").status_code == 404


def test_every_address_in_the_page_is_one_of_its_files():
    addresses = re.findall(r'(?:src|href)="([^"]+)"', TEXTS["index.html"])
    files = {a.removeprefix("page/") for a in addresses if not a.startswith("#i-")}
    assert files <= {*NAMES, "docs"}
    for name in MODULES:
        assert {path for path in re.findall(r'from "\./([^"]+)"', TEXTS[name])} <= set(NAMES)


def test_every_icon_exists():
    used = re.findall(r'href="#i-(\w+)"', TEXTS["index.html"])
    assert set(used) <= set(re.findall(r'<symbol id="i-(\w+)"', TEXTS["index.html"]))


def test_nothing_comes_from_elsewhere():
    for name, text in TEXTS.items():
        found = set(
            re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.sub(r"//[^/\n]* .*", "", text))
        )
        assert found <= {"http://www.w3.org"}, name


def test_the_files_are_small_together():
    assert sum((FOLDER / name).stat().st_size for name in NAMES) < 240_000


def test_policy_allows_only_our_own_files(client):
    for path in ("/", "/page/main.js", "/page/style.css"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert (
            headers["X-Content-Type-Options"] == "nosniff"
            and headers["Referrer-Policy"] == "no-referrer"
        )
    assert (
        "<script>" not in TEXTS["index.html"]
        and "style=" not in TEXTS["index.html"]
        and " onclick" not in TEXTS["index.html"]
    )


def test_caches_ask_again_and_get_a_short_answer(client):
    first = client.get("/page/main.js")
    assert first.headers["Cache-Control"] == "no-cache"
    assert (
        client.get("/page/main.js", headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 304
    )


def test_both_languages_are_complete():
    table = strings()
    assert len(table) == len(re.findall(r"^ {2}(\w+): ", TEXTS["strings.js"], re.M)) > 100
    for key, (english, chinese) in table.items():
        assert english and chinese, key
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), (
            key
        )
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]", chinese), (
            f"{key}: Chinese has full-width punctuation"
        )


def test_every_sentence_used_exists_and_every_one_is_used():
    table, everything = strings(), "".join(TEXTS[name] for name in NAMES if name != "strings.js")
    assert used_keys() <= set(table)
    unused = {
        key
        for key in table
        if not re.search(rf'["\s.]{key}\b', everything)
        and not re.match(r"(example|mark|lang|who|kind)_", key)
    }
    assert not unused


def test_no_text_stands_in_the_markup_untranslated():
    body = re.sub(
        r"<(noscript|svg|style)\b.*?</\1>|<h1>.*?</h1>",
        "",
        TEXTS["index.html"].split("<body>")[1],
        flags=re.S,
    )
    left = [
        text
        for text in re.findall(r">([^<>]+)<", body)
        if text.strip() and text.strip() not in {"MP3", "WAV", "SRT", "FLAC", "Opus", "AAC", "VTT"}
    ]
    assert not left


def test_every_control_has_a_name():
    html = TEXTS["index.html"]
    for tag, attributes in re.findall(r"<(input|textarea)\b([^>]*)>", html):
        name = re.search(r'\bid="([^"]+)"', attributes)
        labelled = (
            name
            and f'for="{name[1]}"' in html
            or "data-i18n-label" in attributes
            or "aria-hidden" in attributes
        )
        within = re.search(
            rf"<label[^>]*>(?:(?!</label>).)*<{tag}\b{re.escape(attributes)}>", html, re.S
        )
        assert labelled or within, attributes


needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


@needs_node
@pytest.mark.parametrize("name", MODULES)
def test_modules_parse(name):
    kind = "commonjs" if name == "theme.js" else "module"
    done = subprocess.run(
        ["node", "--check", f"--input-type={kind}"],
        input=TEXTS[name],
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


def run_module(folder, script: str, data: bytes) -> bytes:
    """The answer of a script that may use the page's modules, reads `data` and returns bytes."""
    shutil.copytree(FOLDER, folder / "page")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(f"""import {{ readFileSync, writeSync }} from "node:fs";
        globalThis.navigator ??= {{ language: "en" }};
        const {{ describe }} = await import("./page/speakers.js");
        import {{ FrameSplitter, join }} from "./page/mp3.js";
        import {{ Mp4Wrapper }} from "./page/mp4.js";
        const data = new Uint8Array(readFileSync(0)); const answer = (() => {{ {script} }})();
        for (let at = 0; at < answer.length;) at += writeSync(1, answer, at);""")
    return subprocess.run(
        ["node", folder / "run.js"], input=data, capture_output=True, check=True, timeout=60
    ).stdout


def encoded(
    kind="mp3", seconds=2, options=("-write_xing", "0", "-id3v2_version", "0", "-reservoir", "0")
) -> bytes:
    tone = (0.4 * np.sin(np.arange(22050 * seconds) * 0.05) * 32767).astype("<i2").tobytes()
    return ffmpeg(
        [
            "-f",
            "s16le",
            "-ar",
            "22050",
            "-ac",
            "1",
            "-i",
            "-",
            "-b:a",
            "96k",
            *options,
            "-f",
            kind,
            "-",
        ],
        tone,
    )


def ffmpeg(arguments, data: bytes) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@needs_node
def test_frames_come_out_whole_however_the_bytes_arrive(tmp_path):
    mp3 = encoded()
    script = """const splitter = new FrameSplitter(), frames = [];
        for (let at = 0; at < data.length; at += 117)
            frames.push(...splitter.push(data.subarray(at, at + 117)));
        return join(frames.map((frame) => frame.data));"""
    assert run_module(tmp_path, script, b"noise before" + mp3) == mp3


@needs_node
def test_mp3_in_mp4_is_the_same_sound(tmp_path):
    mp3 = encoded()
    script = """const frames = new FrameSplitter().push(data).map((frame) => frame.data);
        const wrapper = new Mp4Wrapper(), parts = [];
        for (let i = 0; i < frames.length; i += 10)
            parts.push(wrapper.wrap(join(frames.slice(i, i + 10))));
        return join(parts);"""
    (tmp_path / "wrapped.mp4").write_bytes(run_module(tmp_path, script, mp3))
    pcm = ["-f", "s16le", "-"]
    assert ffmpeg(["-i", str(tmp_path / "wrapped.mp4"), *pcm], b"") == ffmpeg(
        ["-f", "mp3", "-i", "-", *pcm], mp3
    )


@needs_node
def test_every_speaker_of_the_embedded_model_is_described_in_words(tmp_path):
    ids = list(read_weights(str(ROOT / "pretrained_models/CosyVoice-Mini-25Hz/spk2info.pt")))
    script = """const ids = JSON.parse(new TextDecoder().decode(data));
        const said = ids.map((id) => describe(id, id.startsWith("中文") ? "zh" : "en"));
        return new TextEncoder().encode(JSON.stringify(said));"""
    said = json.loads(run_module(tmp_path, script, json.dumps(ids).encode()))
    assert len(set(said)) == len(ids) and all(name.isascii() for name in said)
    assert {"Mandarin, woman 2", "Mandarin, child", "English, man"} <= set(said)


def test_the_readme_is_served_as_text(client):
    answer = client.get("/page/README.md")
    assert answer.mimetype == "text/plain" and answer.data == (ROOT / "README.md").read_bytes()
