"""VERIFY: what reads sentences back, what a caller is told, and what is missing at the start."""

import sys
import types
from pathlib import Path

import pytest

from cosyvoice.cli.verify import SoundReader, WhisperReader, whisper_reader
from cosyvoice.serve.config import ROOT, VERIFY_LIMIT, Config, StartError
from cosyvoice.serve.speaking import engines
from cosyvoice.serve.speaking.engines import verifier_for
from tests.support.jobs import SFT

MINI = str(ROOT / "pretrained_models/CosyVoice-Mini-25Hz")
ID = "request-of-verify"
HEARD = {"tts_text": "{chunks=4 size=9000 score=0.125 tries=3}"}


@pytest.fixture(autouse=True)
def no_model_from_before():
    whisper_reader.cache_clear()
    yield
    whisper_reader.cache_clear()


@pytest.fixture
def whisper_package(monkeypatch):
    """A stand-in for faster_whisper; returns the list of what is fetched and loaded."""
    loaded = []

    class WhisperModel:
        def __init__(self, model, **options):
            if model == "none":
                raise ValueError("no such model")
            assert options["local_files_only"]
            loaded.append(f"load {model}")

        def transcribe(self, wav, language, initial_prompt, **options):
            assert wav.ndim == 1
            said = {"zh": initial_prompt or "你好", "en": "Hello"}[language]
            return iter([types.SimpleNamespace(text=f" {said}")]), None

    package = types.SimpleNamespace(
        WhisperModel=WhisperModel, download_model=lambda name: loaded.append(f"fetch {name}")
    )
    monkeypatch.setitem(sys.modules, "faster_whisper", package)
    return loaded


@pytest.mark.parametrize(
    "written, limit",
    [
        ("", None),
        ("off", None),
        ("0", None),
        ("on", VERIFY_LIMIT),
        ("1", VERIFY_LIMIT),
        ("0.2", 0.2),
    ],
)
def test_verify_is_a_limit_or_on(written, limit):
    assert Config(verify=written).verify_limit == limit


@pytest.mark.parametrize("written", ["yes", "-0.1", "1.5", "nan"])
def test_another_value_is_refused_with_the_possible_ones(written):
    with pytest.raises(StartError, match="VERIFY is .* it must be on, off, or a number"):
        Config(verify=written)


def test_without_verify_nothing_reads():
    assert verifier_for(MINI, Config(), may_download=False) is None


def test_the_small_model_is_read_by_its_own_tokens():
    verifier = verifier_for(MINI, Config(verify="0.2"), may_download=False)
    assert isinstance(verifier.reader, SoundReader) and verifier.limit == 0.2


def test_other_models_are_heard_by_one_whisper(whisper_package, tmp_path):
    one, two = (verifier_for(str(tmp_path), Config(verify="on"), True) for _ in range(2))
    assert one.reader is two.reader
    assert whisper_package == ["fetch small", "load small", "fetch small"]


def test_a_folder_is_not_fetched_and_hears_the_small_model_too(whisper_package, tmp_path):
    named = Config(verify="on", verify_model=str(tmp_path))
    assert isinstance(verifier_for(MINI, named, may_download=True).reader, WhisperReader)
    assert whisper_package == [f"load {tmp_path}"]


def test_a_module_never_downloads(whisper_package, tmp_path):
    verifier_for(str(tmp_path), Config(verify="on"))
    assert whisper_package == ["load small"]


def test_a_package_that_is_missing_is_named_with_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(StartError, match="pip install -r requirements-verify.txt"):
        engines.load_model(Config(verify="on", model=str(tmp_path)), is_script=False)
    assert Path("requirements-verify.txt").is_file()


def test_a_model_that_cannot_be_had_is_named(whisper_package, tmp_path):
    config = Config(verify="on", verify_model="none", model=str(tmp_path))
    with pytest.raises(
        StartError, match="VERIFY: the model none .*no such model.*set VERIFY_MODEL"
    ):
        engines.load_model(config, is_script=False)


def test_a_damaged_book_of_sounds_is_named(tmp_path):
    (tmp_path / "codebook.json").write_text("{}", "utf-8")
    with pytest.raises(StartError, match="codebook.json is damaged.*set VERIFY_MODEL"):
        engines.load_model(Config(verify="on", model=str(tmp_path)), is_script=False)


def test_whisper_hears_each_language_and_not_its_own_prompt(whisper_package):
    import torch

    reader = WhisperReader("base")
    made = {"tts_speech": torch.zeros(1, 22050)}
    assert reader.error_rate("你好。", made, 22050) == 0
    assert reader.error_rate("你好世界。", made, 22050) == 0.5
    assert reader.error_rate("Hello, it is nice to see you.", made, 22050) == pytest.approx(6 / 7)


def test_a_whole_file_says_score_and_tries_of_each_sentence(service):
    client = service(CORS_ORIGINS="*").app.test_client()
    job = {**SFT, **HEARD, "stream": "False"}
    page = {"Origin": "https://page.example"}
    answer = client.post("/generate_audio", json=job, headers=page)
    assert answer.headers["X-Verify"] == "0.125;tries=3, 0.125;tries=3"
    assert "X-Verify" in answer.headers["Access-Control-Expose-Headers"]
    plain = client.post("/generate_audio", json={**job, "tts_text": "你好"})
    assert "X-Verify" not in plain.headers


def test_the_header_of_a_long_text_ends_with_dots(service):
    job = {**SFT, "tts_text": "{chunks=104 size=500 score=0.02 tries=1}", "stream": "False"}
    header = service().app.test_client().post("/generate_audio", json=job).headers["X-Verify"]
    assert header.count("0.02;tries=1") == 50 and header.endswith(", ...")


@pytest.mark.parametrize("stream", ["True", "False"])
def test_the_state_of_a_request_says_score_and_tries(service, stream):
    client = service().app.test_client()
    job = {**SFT, **HEARD, "stream": stream}
    client.post("/generate_audio", json=job, headers={"X-Request-ID": ID}).get_data()
    sentences = client.get(f"/requests/{ID}").json["sentences"]
    assert [(each["score"], each["tries"]) for each in sentences] == [(0.125, 3)] * 2
