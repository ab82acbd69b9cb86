"""Who may call, which names are refused, and how files of strangers are read."""

import io
import json
import os
import pickle
import subprocess
import threading
import zipfile

import numpy as np
import pytest
import soundfile
import torch
from imageio_ffmpeg import get_ffmpeg_exe

from cosyvoice.serve.http.access import Keys
from cosyvoice.serve.http.names import check_key, check_name
from cosyvoice.serve.http.problem import Problem
from tests.support.fake_engine import FakeEngine, make_voice
from tests.support.jobs import CLONE, CROSS, SFT
from tests.support.sounds import wav_bytes

BAD_NAMES = [
    "..",
    ".",
    "../x",
    "a/b",
    "/etc",
    "C:\\x",
    "C:x",
    "a\\b",
    "a\0b",
    "x" * 5000,
    "字" * 65,
    "con",
    "NUL",
    "com1.pt",
    "lpt9.",
    "a.",
    "a ",
    " a",
    ".hidden",
    "a:b",
    "a*",
    "a?",
    "a|b",
    "a\nb",
    "..\\..",
    "%2e%2e/%2f",
    "COM¹",
]
GOOD_NAMES = [
    "1321",
    "1853299237651890176",
    "妈妈",
    "my voice",
    "v1.2",
    "a-b_c",
    "com10",
    "console",
    "é",
]
BAD_PATHS = [
    "..",
    "../x.wav",
    "a/../x.wav",
    "/etc/passwd",
    "C:\\x.wav",
    "C:/x.wav",
    "a\\b.wav",
    "a\0.wav",
    "x" * 5000,
    "a//b.wav",
    "a/./b",
    "a/",
    "\\\\host\\share\\x",
    "a/nul",
    "a/.hidden/b",
    "字" * 400,
    "a/b:stream",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused(name):
    with pytest.raises(Problem) as raised:
        check_name(name, "user_id")
    assert raised.value.status == 400 and len(str(raised.value)) < 500


@pytest.mark.parametrize("path", BAD_PATHS)
def test_bad_paths_are_refused(path):
    with pytest.raises(Problem) as raised:
        check_key(path, "prompt_speech_16k")
    assert raised.value.status == 400


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_good_names_pass(name):
    assert check_name(name, "user_id") == name and check_key(
        f"learn-wave/{name}/upload/{name}.wav", "x"
    )


def everything(folder) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if ".leases" not in path.parts and not path.name.startswith(".work-")
    }


@pytest.mark.parametrize("field", ["user_id", "exp_name", "spk_customize", "prompt_speech_16k"])
@pytest.mark.parametrize("value", ["..", "/etc/passwd", "C:\\x", "a\0b", "x" * 5000, "../../x"])
def test_bad_names_are_400_and_touch_nothing(service, tmp_path, field, value):
    client = service().app.test_client()
    (tmp_path / "output/1321").mkdir()
    (tmp_path / "output/1321/old.pt").write_text("x")
    before = everything(tmp_path)
    for base in (SFT, CLONE):
        answer = client.post(
            "/generate_audio",
            data=json.dumps({**base, field: value}),
            content_type="application/json",
        )
        assert (answer.status_code, answer.json["field"]) == (400, field)
    assert everything(tmp_path) == before and FakeEngine.calls == []


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_symbolic_links_are_not_followed(service, tmp_path):
    module = service()
    client = module.app.test_client()
    for name in ("secret.wav", "reference/ref.wav"):
        (tmp_path / name).write_bytes(wav_bytes())
    (tmp_path / "reference/link.wav").symlink_to(tmp_path / "secret.wav")
    (tmp_path / "reference/folder").symlink_to(tmp_path)
    (tmp_path / "output/1321").symlink_to(tmp_path)
    torch.save(make_voice("CosyVoice-300M-25Hz"), tmp_path / "v.pt")
    for path in ("link.wav", "folder/secret.wav"):
        assert (
            client.post("/generate_audio", json={**CROSS, "prompt_speech_16k": path}).status_code
            == 400
        )
    assert (
        client.post(
            "/generate_audio", json={**SFT, "user_id": "1321", "spk_customize": "v"}
        ).status_code
        == 400
    )
    answer = client.post(
        "/generate_audio", json={**CLONE, "exp_name": "v", "prompt_speech_16k": "ref.wav"}
    )
    assert (answer.status_code, answer.json["field"]) == (400, "exp_name") and not list(
        module.store.list("")
    )


def test_letter_case_does_not_reach_another_users_voice(service, tmp_path):
    client = service().app.test_client()
    (tmp_path / "output/Bob").mkdir()
    torch.save(make_voice("CosyVoice-300M-25Hz"), tmp_path / "output/Bob/v.pt")
    for user, status in (("Bob", 200), ("bob", 404)):
        assert (
            client.post(
                "/generate_audio", json={**SFT, "user_id": user, "spk_customize": "v"}
            ).status_code
            == status
        )


# voice files


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def stored(value) -> bytes:
    torch.save(value, file := io.BytesIO())
    return file.getvalue()


def bomb() -> bytes:
    """A small archive that would unpack to 64 MB."""
    source, file = zipfile.ZipFile(io.BytesIO(stored({"x": torch.zeros(16 << 20)}))), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return file.getvalue()


VOICE = make_voice("CosyVoice-300M-25Hz")
FILES = {
    "pickle": lambda: pickle.dumps(Attack()),
    "pickle in an archive": lambda: stored(Attack()),
    "attack among tensors": lambda: stored({**VOICE, "x": Attack()}),
    "bomb": bomb,
    "text": lambda: b"voice" * 1000,
    "empty": lambda: b"",
    "truncated": lambda: stored(VOICE)[:-500],
    "large": lambda: bytes(9_000_000),
    "list": lambda: stored([1]),
    "missing key": lambda: stored({k: v for k, v in VOICE.items() if k != "llm_embedding"}),
    "nan": lambda: stored({**VOICE, "flow_embedding": torch.full((1, 192), float("nan"))}),
    "shape": lambda: stored({**VOICE, "prompt_speech_feat": torch.zeros(1, 10, 81)}),
    "other family": lambda: stored(make_voice("CosyVoice-300M")),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["store", "output"])
def test_bad_voice_file_is_refused_and_does_not_run(service, tmp_path, monkeypatch, name, place):
    module = service()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.pt").write_bytes(FILES[name]())
    if place == "store":
        module.store.push(tmp_path / "v.pt", "learn-wave/1321/model/cosyvoice/v.pt")
    else:
        (tmp_path / "output/1321").mkdir()
        (tmp_path / "v.pt").rename(tmp_path / "output/1321/v.pt")
    answer = module.app.test_client().post(
        "/generate_audio", json={**SFT, "user_id": "1321", "spk_customize": "v"}
    )
    assert answer.status_code == (413 if name == "large" and place == "store" else 422), answer.json
    assert not (tmp_path / "attacked").exists() and FakeEngine.calls == []


def test_small_file_of_gigabytes_of_silence_is_refused_before_it_is_decoded(service):
    module = service()
    soundfile.write(file := io.BytesIO(), np.zeros((100_000, 8), np.int16), 655350, format="FLAC")
    flac = bytearray(file.getvalue())
    flac[21:26] = bytes(
        [flac[21] & 0xF0 | 0, *(300_000_000).to_bytes(4, "big")]
    )  # STREAMINFO: number of samples
    fields = {**CROSS, "prompt_speech_16k": (io.BytesIO(bytes(flac)), "a.flac")}
    assert module.app.test_client().post("/generate_audio", data=fields).status_code == 422


# keys, users, origins, hosts


@pytest.fixture
def keyed(service, tmp_path):
    (tmp_path / "keys.json").write_text(
        json.dumps({"key-of-anna": ["anna"], "key-of-backend": "*"})
    )
    module = service(API_KEY="main-key", API_KEYS_FILE=tmp_path / "keys.json")
    (tmp_path / "reference/ref.wav").write_bytes(wav_bytes())
    return module


def bearer(key: str) -> dict:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(""),
        bearer("main-key "[:-2]),
        {"Authorization": "main-key"},
        {"Authorization": "Basic bWFpbi1rZXk="},
        {"Authorization": "Bearer kéy"},
    ],
)
def test_without_a_key_nothing_but_health(keyed, headers):
    client = keyed.app.test_client()
    for path in ("/speakers", "/generate_audio_get", "/change_instruct", "/nothing"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.post("/generate_audio", json=SFT, headers=headers).status_code == 401
    assert client.get("/health", headers=headers).status_code == 200


def test_who_is_refused_at_the_door_is_in_the_log(keyed, caplog):
    caplog.set_level("INFO")
    client = keyed.app.test_client()
    client.post(
        "/generate_audio",
        json=SFT,
        headers={**bearer("secret-wrong"), "X-Request-ID": "find-me-401"},
    ).close()
    client.get(
        "/health", headers={"Origin": "https://evil.example", "X-Request-ID": "find-me-403"}
    ).close()
    assert [(line.request_id, line.getMessage().split()[-2:]) for line in caplog.records] == [
        ("find-me-401", ["status=401", "outcome=no_key"]),
        ("find-me-403", ["status=403", "outcome=foreign_origin"]),
    ]


@pytest.mark.parametrize(
    "key, user, status",
    [
        ("main-key", "anna", 200),
        ("main-key", "bob", 200),
        ("key-of-anna", "anna", 200),
        ("key-of-anna", "bob", 403),
        ("key-of-anna", "", 200),
        ("key-of-backend", "bob", 200),
    ],
)
def test_a_key_acts_for_its_users_only(keyed, key, user, status):
    answer = keyed.app.test_client().post(
        "/generate_audio", json={**SFT, "user_id": user}, headers=bearer(key)
    )
    assert answer.status_code == status


@pytest.mark.parametrize("place", ["store", "reference"])
def test_references_belong_to_their_user(keyed, tmp_path, place):
    client = keyed.app.test_client()
    for user, status in (("anna", 200), ("bob", 403)):
        path = f"learn-wave/{user}/upload/r.wav"
        (file := tmp_path / "reference" / path).parent.mkdir(parents=True)
        file.write_bytes(wav_bytes())
        if place == "store":
            keyed.store.push(file, path)
            file.unlink()
        for url in ("/generate_audio", "/voices/check"):
            fields = {**CROSS, "user_id": "anna", "prompt_speech_16k": path}
            assert (
                client.post(url, json=fields, headers=bearer("key-of-anna")).status_code == status
            )


def test_what_was_spoken_is_told_to_the_same_users_key_only(keyed, tmp_path):
    (tmp_path / "keys.json").write_text(
        json.dumps({"key-of-anna": ["anna"], "key-of-bob": ["bob"], "key-of-backend": "*"})
    )
    client = keyed.app.test_client()
    client.post(
        "/generate_audio", json=SFT, headers={**bearer("key-of-anna"), "X-Request-ID": "guessed-1"}
    ).get_data()
    for key, status in (("key-of-anna", 200), ("key-of-backend", 200), ("key-of-bob", 403)):
        assert (
            client.get("/requests/guessed-1/subtitles.srt", headers=bearer(key)).status_code
            == status
        )


@pytest.mark.parametrize("container, codec", [("ipod", "aac"), ("webm", "libopus")])
def test_only_folders_that_are_swept_are_written_to(
    service, tmp_path, monkeypatch, container, codec
):
    coded = subprocess.run(
        [
            get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            "pipe:0",
            "-c:a",
            codec,
            "-f",
            container,
            tmp_path / "coded",
        ],
        input=wav_bytes(),
    )
    assert coded.returncode == 0
    client = service().app.test_client()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    for url in ("/generate_audio", "/voices/check"):
        answer = client.post(
            url,
            data={
                **CROSS,
                "prompt_speech_16k": (io.BytesIO((tmp_path / "coded").read_bytes()), "a"),
            },
            buffered=True,
        )
        assert answer.status_code == 200, answer.json
    assert not list((tmp_path / "output").glob(".work-*/*"))


BAD_LIMIT = '{"k": {"users": "*", "requests_per_minute": -1}}'


def test_keys_file_is_read_again_and_checked(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text('{"one": ["a"]}')
    keys = Keys("", str(file))
    assert keys.rights_of("one").users == {"a"} and keys.rights_of("two") is None
    file.write_text('{"two": "*"}')
    os.utime(file, (1, 1))
    assert keys.rights_of("one") is None and keys.rights_of("two").users == "*"
    for wrong in ("[", "[]", '{"k": 1}', '{"k": [1]}', '{"": "*"}', '{"k": {}}', BAD_LIMIT):
        file.write_text(wrong)
        with pytest.raises(ValueError, match="API_KEYS_FILE"):
            Keys("", str(file)).rights_of("x")


@pytest.mark.parametrize(
    "wrong", [b"", b'{"new": "*', b"[]", b'{"new": 1}', b"\xff\xfe", None, b"[" * 100_000]
)
def test_a_wrong_keys_file_leaves_the_last_good_keys(keyed, tmp_path, caplog, wrong):
    file, client = tmp_path / "keys.json", keyed.app.test_client()

    def statuses():
        keys = ("key-of-anna", "main-key", "unknown")
        return [client.get("/speakers", headers=bearer(key)).status_code for key in keys]

    before = file.read_bytes()
    file.unlink() if wrong is None else file.write_bytes(wrong)
    for _ in range(5):
        assert statuses() == [200, 200, 401]
    assert [line.levelname for line in caplog.records].count("ERROR") == 1
    file.write_bytes(before.replace(b"key-of-anna", b"unknown"))
    assert statuses() == [401, 200, 200]


def test_a_keys_file_may_begin_with_a_mark_of_its_encoding(tmp_path):
    (tmp_path / "keys.json").write_text('{"k": ["安娜"]}', "utf-8-sig")
    assert Keys("", str(tmp_path / "keys.json")).rights_of("k").users == {"安娜"}


def test_changed_keys_are_noticed_though_time_and_size_are_equal(tmp_path, monkeypatch):
    file = tmp_path / "keys.json"
    file.write_text('{"one": "*"}')
    os.utime(file, (1, 1))
    keys = Keys("", str(file))
    with open(file, "r+") as opened:
        opened.write('{"two": "*"}')
    os.utime(file, (1, 1))
    monkeypatch.setattr(keys, "next_reading", 0.0)
    assert keys.rights_of("two").users == "*" and keys.rights_of("one") is None


def test_a_missing_keys_file_ends_the_start(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ValueError, match="API_KEYS_FILE"):
            Keys("", str(path))


def test_keys_are_good_while_the_file_is_written_again_and_again(tmp_path):
    file = tmp_path / "keys.json"
    contents = [
        json.dumps({"always": "*", **{f"key{i}-{n}": "*" for n in range(200)}}) for i in (0, 1)
    ]
    file.write_text(contents[0])
    keys, stop, failures = Keys("", str(file)), threading.Event(), []

    def ask():
        while not stop.is_set():
            if keys.rights_of("always").users != "*":
                failures.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(200):
        file.write_text(contents[i % 2])
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_prefix_narrows_the_references(service, tmp_path):
    module = service(OSS_PROMPT_PREFIX="learn-wave/{user_id}/upload/")
    (tmp_path / "r.wav").write_bytes(wav_bytes())
    for key, status in (
        ("learn-wave/1/upload/r.wav", 200),
        ("learn-wave/2/upload/r.wav", 404),
        ("learn-wave/1/model/r.wav", 404),
    ):
        module.store.push(tmp_path / "r.wav", key)
        fields = {**CROSS, "user_id": "1", "prompt_speech_16k": key}
        assert module.app.test_client().post("/generate_audio", json=fields).status_code == status


ORIGINS = [
    ({}, 200),
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://["}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Referer": "http://["}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Origin": "http://localhost:3000"}, 403),
    ({"Origin": "https://friend.example"}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://friend.example"}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Referer": "https://friend.example/page"}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/page"}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 200),
    # a browser that sends no Sec-Fetch headers, on a page served over plain HTTP
    ({"Referer": "http://evil.example/page"}, 403),
    ({"Referer": "http://localhost/page/"}, 200),
    ({"Referer": "about:blank"}, 200),
    ({"Referer": "http://a!b.evil.example/"}, 403),
    ({"Referer": "http://"}, 403),
    # one origin in other spellings
    ({"Origin": "http://LOCALHOST:80"}, 200),
    ({"Referer": "http://localhost:80/page"}, 200),
    ({"Origin": "http://localhost:81"}, 403),
    ({"Origin": "HTTPS://Friend.Example:443"}, 200),
    ({"Origin": "http://friend.example"}, 403),
    ({"Origin": "https://friend.example:8443"}, 403),
    ({"Origin": "https://other.example"}, 200),
    ({"Origin": "https://[2001:db8::1]"}, 200),
]


@pytest.mark.parametrize("headers, status", ORIGINS, ids=str)
def test_foreign_pages_do_not_drive_the_service(service, headers, status):
    client = service(
        CORS_ORIGINS="https://friend.example, HTTPS://Other.Example:443/, https://[2001:DB8:0::1]:443"
    ).app.test_client()
    assert client.post("/generate_audio", json=SFT, headers=headers).status_code == status
    assert client.get("/generate_audio_get", headers=headers).status_code == status


def test_a_sound_may_be_played_by_the_page_that_a_browser_makes_around_it(service):
    client = service().app.test_client()
    played = client.get("/generate_audio_get").headers["Content-Security-Policy"]
    assert played == "default-src 'none'; media-src 'self'; frame-ancestors 'none'"
    refused = client.get("/generate_audio_get?mode=none").headers["Content-Security-Policy"]
    assert "media-src" not in refused


def test_an_audio_element_of_an_allowed_origin_is_served(service):
    """A media element sends no Origin, so the page's Referer tells where it is."""
    client = service(CORS_ORIGINS="https://friend.example").app.test_client()
    media = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "audio"}
    for page, status in (("https://friend.example/", 200), ("https://other.example/", 403)):
        answer = client.get("/generate_audio_get", headers={**media, "Referer": page})
        assert answer.status_code == status


def test_any_origin_may_be_allowed(service):
    client = service(CORS_ORIGINS="*").app.test_client()
    for origin in ("https://a.example", "null"):
        answer = client.get("/speakers", headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_allowed_origin_gets_cors_and_others_do_not(service):
    client = service(CORS_ORIGINS="https://friend.example", API_KEY="k").app.test_client()
    answer = client.options(
        "/generate_audio",
        headers={
            "Origin": "https://friend.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, x-stainless-os",  # OpenAI's SDK
        },
    )
    assert (
        answer.status_code == 204
        and answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    )
    assert (
        answer.headers["Access-Control-Allow-Headers"] == "authorization, x-stainless-os"
        and "Access-Control-Allow-Credentials" not in answer.headers
    )
    answer = client.get("/speakers", headers={"Origin": "https://friend.example"})
    assert (
        answer.status_code == 401
        and answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    )
    answer = client.options(
        "/generate_audio",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "environment, host, status",
    [
        ({}, "localhost:9883", 200),
        ({}, "127.0.0.1", 200),
        ({}, "[::1]:9883", 200),
        ({}, "evil.example", 403),
        ({}, "evil.example:9883", 403),
        ({}, "127.0.0.1.evil.example", 403),
        ({}, "[::1", 403),
        ({}, "", 403),
        ({"HOST": "0.0.0.0"}, "my.server", 200),
        ({"ALLOWED_HOSTS": "tts.example"}, "tts.example", 200),
        ({"ALLOWED_HOSTS": "tts.example"}, "evil.example", 403),
        ({"HOST": "0.0.0.0", "ALLOWED_HOSTS": "tts.example"}, "evil.example", 403),
        ({"ALLOWED_HOSTS": "TTS.Example"}, "tts.example", 200),
        ({"ALLOWED_HOSTS": "tts.example"}, "TTS.EXAMPLE.:9883", 200),
        ({"ALLOWED_HOSTS": "tts.example.:443"}, "tts.example", 200),
        ({"ALLOWED_HOSTS": "https://tts.example/"}, "tts.example:443", 200),
        ({"ALLOWED_HOSTS": "[2001:DB8::1]"}, "[2001:db8:0::1]:9883", 200),
        ({"ALLOWED_HOSTS": "2001:db8::1"}, "[2001:db8::1]", 200),
        ({"ALLOWED_HOSTS": "[2001:db8::1]:80"}, "[2001:db8::2]", 403),
        ({"ALLOWED_HOSTS": "192.0.2.1:80, tts.example"}, "192.0.2.1", 200),
        ({"ALLOWED_HOSTS": "语音.example"}, "xn--2e3au0v.example", 200),
        ({"ALLOWED_HOSTS": "tts.example"}, "tts.example.evil.example", 403),
        ({"ALLOWED_HOSTS": "tts.example"}, "", 403),
    ],
)
def test_foreign_host_names_are_refused(service, environment, host, status):
    client = service(**environment).app.test_client()
    assert client.get("/health", headers={"Host": host}).status_code == status


def test_every_answer_has_the_security_headers(service):
    client = service().app.test_client()
    for answer in (
        client.get("/health"),
        client.get("/nothing"),
        client.post("/generate_audio", json={}),
        client.post("/generate_audio", json=SFT),
        client.post("/generate_audio", json={**SFT, "stream": "False"}),
    ):
        assert (
            answer.headers["X-Content-Type-Options"] == "nosniff"
            and answer.headers["X-Frame-Options"] == "DENY"
        )
        assert answer.headers["X-Request-ID"] and answer.headers["Cache-Control"] == "no-store"


def test_settings_show_no_key_and_wrong_ones_are_named(monkeypatch):
    from cosyvoice.serve.config import read_config

    assert "topsecret" not in repr(read_config(environ={"API_KEY": "topsecret"}))
    assert read_config(["--port", "80"], {"PORT": "90", "MAX_QUEUE": "0"}).port == 80
    for name, value in (
        ("PORT", "x"),
        ("MAX_QUEUE", "-1"),
        ("MAX_CONCURRENT", "0"),
        ("REQUEST_TIMEOUT", "-5"),
        ("PORT", "65536"),
    ):
        with pytest.raises(ValueError, match=name):
            read_config(environ={name: value})
    with pytest.raises(SystemExit, match="65535"):
        read_config(["--port", "70000"], {})


def test_a_key_may_have_limits(service, tmp_path):
    limited = {"users": "*", "requests_per_minute": 100, "characters_per_day": 15}
    (tmp_path / "keys.json").write_text(json.dumps({"limited": limited, "free": "*"}))
    client = service(API_KEYS_FILE=tmp_path / "keys.json").app.test_client()

    def speak(key, text, path="/generate_audio"):
        values = {**SFT, "tts_text": text, "stream": False}
        return client.post(path, json=values, headers=bearer(key), buffered=True)

    assert speak("limited", "一二三四五六七八九十").status_code == 200
    answer = speak("limited", "一二三四五六")
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_characters")
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600
    assert "15 characters a day, 5 are left, got 6" in answer.json["error"]
    assert speak("limited", "一二三四五").status_code == 200
    assert speak("free", "一" * 100).status_code == 200
