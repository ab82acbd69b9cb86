"""OpenAI's custom voices and consent recordings, used by the official `openai` package."""

import io
import threading

import openai
import pytest
import soundfile
from werkzeug.serving import make_server

from tests.support.fake_engine import FakeEngine
from tests.support.sounds import speech, wav_bytes
from tests.support.whisper import SAID

KEYS = '{"k": ["42"], "other": ["43"], "both": ["42", "43"]}'
AGREED = "Anna agrees."


def take(seconds: float = 6.0) -> tuple[str, bytes, str]:
    soundfile.write(file := io.BytesIO(), speech(seconds)[0].numpy(), 16000, format="WAV")
    return "take.wav", file.getvalue(), "audio/wav"


@pytest.fixture
def api(request, service, tmp_path, monkeypatch):
    """With keys; the store is a folder, or OSS where a test asks for it."""
    if getattr(request, "param", "local") == "oss":
        for name, value in request.getfixturevalue("oss").environ.items():
            monkeypatch.setenv(name, value)
    (tmp_path / "keys.json").write_text(KEYS)
    return service(API_KEYS_FILE=tmp_path / "keys.json")


@pytest.fixture
def client(api):
    """A function: a key -> the official client, over a real socket."""
    server = make_server("127.0.0.1", 0, api.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.port}/v1"
    yield lambda key="k": openai.OpenAI(base_url=address, api_key=key)
    server.shutdown()


def make(client, **fields):
    return client.audio.voices.create(
        **{"name": "Anna", "audio_sample": take(), "consent": AGREED, **fields}
    )


def test_a_voice_is_made_speaks_at_once_and_is_deleted(client, api):
    made = make(client(), name="安娜 2")
    assert (made.id, made.name, made.object, made.type) == (
        "安娜 2",
        "安娜 2",
        "audio.voice",
        "audio_sample",
    )
    assert made.created_at > 1.7e9 and made.reference["usable"]
    client().audio.speech.create(model="tts-1", input="你好。", voice={"id": made.id}).read()
    assert FakeEngine.calls[-1][1]["voice"]["meta"]["consent"] == AGREED
    gone = client().audio.voices.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == ("安娜 2", True, "audio.voice.deleted")
    with pytest.raises(openai.NotFoundError) as caught:
        client().audio.voices.delete(made.id)
    assert caught.value.code == "unknown_voice" and list(api.store.list("")) == []


def test_it_is_a_saved_voice_of_the_keys_user(client, api):
    make(client())
    listed = api.app.test_client().get(
        "/voices", headers={"Authorization": "Bearer k"}, query_string={"user_id": "42"}
    )
    assert [voice["name"] for voice in listed.json["voices"]] == ["Anna"]
    with pytest.raises(openai.NotFoundError):
        client("other").audio.voices.delete("Anna")
    with pytest.raises(openai.PermissionDeniedError):
        client("other").audio.voices.delete("Anna", extra_query={"user_id": "42"})
    with pytest.raises(openai.BadRequestError, match="extra_body") as caught:
        make(client("both"))
    assert caught.value.param == "user_id"
    assert make(client("both"), extra_body={"user_id": "43"}).id == "Anna"
    assert client("both").audio.voices.delete("Anna", extra_query={"user_id": "43"}).deleted


def test_a_voice_without_a_transcript_has_no_words(client, api):
    assert make(client()).transcript is None
    assert api.fetch_voice("42", "Anna")["prompt_text"].numel() == 0


def test_a_transcript_that_is_sent_is_used(client, api):
    assert make(client(), extra_body={"transcript": SAID}).transcript == SAID
    assert FakeEngine.calls[-1][1]["prompt_text"] == SAID
    assert api.fetch_voice("42", "Anna")["prompt_text"].numel()


def test_the_transcript_of_a_recording_that_was_cut_is_not_said_to_be_used(client):
    made = make(client(), audio_sample=take(48), extra_body={"transcript": SAID})
    assert made.transcript is None and made.reference["advice"][0]["code"] == "trimmed"


def test_else_it_is_heard_where_that_is_possible(whisper, client, api):
    assert make(client()).transcript == SAID
    whisper.said = ""
    assert make(client(), name="B").transcript is None
    assert api.fetch_voice("42", "Anna")["prompt_text"].numel()
    assert not api.fetch_voice("42", "B")["prompt_text"].numel()


def test_a_name_that_is_taken_is_refused_once_and_replaced_when_told(client):
    make(client())
    with pytest.raises(openai.ConflictError) as caught:
        make(client())
    assert caught.value.code == "voice_exists" and caught.value.param == "name"
    assert caught.value.response.headers["X-Should-Retry"] == "false"
    assert len(FakeEngine.calls) == 1, "the client has not tried again"
    assert make(client(), extra_body={"overwrite": "True"}).id == "Anna"


@pytest.mark.parametrize(
    "fields, param, code",
    [
        ({"name": "a/b"}, "name", "bad_name"),
        ({"name": "x" * 65}, "name", "bad_name"),
        ({"consent": " "}, "consent", "missing_value"),
        ({"consent": "cons_none"}, "consent", "unknown_consent"),
        ({"consent": "cons_/../x"}, "consent", "unknown_consent"),
        ({"audio_sample": ("a.wav", b"no sound")}, "audio_sample", "reference_unusable"),
        ({"audio_sample": ("a.wav", wav_bytes(0.1))}, "audio_sample", "reference_unusable"),
    ],
)
def test_what_is_wrong_is_named(client, api, fields, param, code):
    with pytest.raises(openai.APIStatusError) as caught:
        make(client(), **fields)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert not FakeEngine.calls and list(api.store.list("")) == []


def test_a_voice_of_a_description_is_refused(client):
    with pytest.raises(openai.BadRequestError, match="made of recordings") as caught:
        client().audio.voices.create(name="Anna", prompt="A warm voice.", type="prompt")
    assert caught.value.param == "type" and caught.value.code == "unsupported_value"


@pytest.mark.parametrize("api", ["local", "oss"], indirect=True)
def test_a_consent_recording_is_kept_named_by_its_voice_and_deleted(client, api):
    consents = client().audio.voice_consents
    kept = consents.create(name="Anna's word", language="en-US", recording=take())
    assert (kept.name, kept.language, kept.object) == (
        "Anna's word",
        "en-US",
        "audio.voice_consent",
    )
    assert consents.retrieve(kept.id) == kept
    renamed = consents.update(kept.id, name="Anna, 2026")
    assert renamed.name == "Anna, 2026" and renamed.id == kept.id
    make(client(), consent=kept.id)
    gone = consents.delete(kept.id)
    assert (gone.id, gone.deleted, gone.object) == (kept.id, True, "audio.voice_consent")
    assert api.fetch_voice("42", "Anna")["meta"]["consent"] == (
        f"consent recording {kept.id}: Anna, 2026 (en-US)"
    )
    for again in (consents.retrieve, consents.delete):
        with pytest.raises(openai.NotFoundError):
            again(kept.id)
    assert len(list(api.store.list(""))) == 1, "the voice alone"


def test_the_recording_that_is_kept_is_the_one_that_was_sent(client, api, tmp_path):
    kept = client().audio.voice_consents.create(name="n", language="zh-CN", recording=take())
    key = f"learn-wave/42/model/cosyvoice/consents/{kept.id}.audio"
    api.store.fetch(key, tmp_path / "kept.wav", 10**7)
    assert (tmp_path / "kept.wav").read_bytes() == take()[1]


@pytest.mark.parametrize("api", ["local", "oss"], indirect=True)
def test_consent_recordings_are_listed_in_pages_newest_first(client, api, monkeypatch):
    from cosyvoice.serve.storage import consents

    for second in range(5):
        monkeypatch.setattr(consents.time, "time", lambda second=second: 2e9 + second)
        client().audio.voice_consents.create(name=str(second), language="en", recording=take(1))
    monkeypatch.undo()
    pages = client().audio.voice_consents.list(limit=2)
    assert [consent.name for consent in pages.data] == ["4", "3"] and pages.has_more
    assert [consent.name for consent in pages] == ["4", "3", "2", "1", "0"]
    assert list(client("other").audio.voice_consents.list()) == []
    with pytest.raises(openai.BadRequestError, match="limit"):
        client().audio.voice_consents.list(limit=101)


@pytest.mark.parametrize(
    "fields, param",
    [
        ({"language": "English please"}, "language"),
        ({"name": ""}, "name"),
        ({"recording": ("a.wav", b"no sound")}, "recording"),
        ({"recording": ("a.wav", wav_bytes(0.1))}, "recording"),
    ],
)
def test_a_consent_that_cannot_be_kept_is_refused(client, api, fields, param):
    given = {"name": "n", "language": "en-US", "recording": take(), **fields}
    with pytest.raises(openai.APIStatusError) as caught:
        client().audio.voice_consents.create(**given)
    assert caught.value.param == param and caught.value.status_code in (400, 422)
    assert list(api.store.list("")) == []


def test_a_consent_of_another_user_makes_no_voice(client):
    kept = client("other").audio.voice_consents.create(name="n", language="en", recording=take())
    with pytest.raises(openai.NotFoundError) as caught:
        make(client(), consent=kept.id)
    assert caught.value.code == "unknown_consent"
