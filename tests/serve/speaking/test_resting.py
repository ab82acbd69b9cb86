"""An engine whose model leaves memory when idle, and is there again for the next request."""

import inspect
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking import resting
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.resting import Resting
from tests.support.fake_engine import FakeEngine
from tests.support.jobs import SFT
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[3]
SECONDS = 0.1  # without work


class Loader:
    """Makes fake engines; counts them, and fails while `error` is set."""

    def __init__(self, seconds=0.0):
        self.loads, self.seconds, self.error = 0, seconds, None

    def __call__(self) -> FakeEngine:
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        self.loads += 1
        return FakeEngine("CosyVoice-300M-25Hz")


def is_unloaded(engine) -> bool:
    return engine.model_state == "unloaded"


def speak(engine, text="{chunks=1}") -> list:
    return list(engine.inference_sft(text, "中文女"))


def test_idle_model_leaves_memory_and_the_next_use_loads_it_again():
    engine = Resting(load := Loader(), SECONDS, lambda: False)
    assert speak(engine) and engine.model_state == "loaded" and load.loads == 1
    wait_for(lambda: is_unloaded(engine), 5)
    assert engine.model is None
    assert speak(engine) and engine.model_state == "loaded" and load.loads == 2
    wait_for(lambda: is_unloaded(engine), 5)


def test_what_the_model_is_is_known_without_loading_it():
    engine = Resting(load := Loader(), SECONDS, lambda: False)
    model = engine.model
    wait_for(lambda: is_unloaded(engine), 5)
    facts = set(Engine.__annotations__) | {
        name for name, value in vars(Engine).items() if isinstance(value, property)
    }
    assert {"sample_rate", "token_rate", "device"} < facts
    for name in facts - {"model_state"}:
        assert getattr(engine, name) == getattr(model, name), name
    assert engine.list_available_spks() == model.list_available_spks()
    assert load.loads == 1


def test_every_method_of_an_engine_is_there():
    methods = {name for name, _ in inspect.getmembers(Engine, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    assert "inference_sft" in public and public <= set(dir(Resting))


def test_model_stays_while_it_speaks_and_makes_a_voice():
    engine = Resting(load := Loader(), SECONDS, lambda: False)
    for number, _ in enumerate(engine.inference_sft("{chunks=4 delay=0.15}", "中文女")):
        assert engine.model_state == "loaded", number
    assert load.loads == 1


def test_model_stays_while_somebody_waits():
    waiting = threading.Event()
    waiting.set()
    engine = Resting(Loader(), SECONDS, waiting.is_set)
    time.sleep(4 * SECONDS)
    assert engine.model_state == "loaded"
    waiting.clear()
    wait_for(lambda: is_unloaded(engine), 5)


def test_generator_that_is_closed_early_frees_the_model():
    engine = Resting(Loader(), SECONDS, lambda: False)
    chunks = engine.inference_sft("{chunks=9}", "中文女")
    next(chunks)
    chunks.close()
    wait_for(lambda: is_unloaded(engine), 5)


def test_many_requests_at_once_load_it_once():
    engine = Resting(load := Loader(seconds=0.1), SECONDS, lambda: False)
    wait_for(lambda: is_unloaded(engine), 5)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: speak(engine), range(8)))
    assert load.loads == 2


def test_model_that_cannot_be_loaded_again_is_a_503_until_it_can(monkeypatch):
    engine = Resting(load := Loader(), SECONDS, lambda: False)
    wait_for(lambda: is_unloaded(engine), 5)
    load.error = RuntimeError("llm.pt is damaged")
    with pytest.raises(Problem) as caught:
        speak(engine)
    assert (caught.value.status, caught.value.code) == (503, "model_not_loaded")
    assert caught.value.headers["Retry-After"] == "30" and engine.model_state == "damaged"
    load.error = None
    with pytest.raises(Problem):  # it is not tried at every request
        speak(engine)
    monkeypatch.setattr(resting.time, "monotonic", lambda now=time.monotonic: now() + 31)
    assert speak(engine) and engine.model_state == "loaded"


# in the service


@pytest.fixture
def idle_service(service):
    """all_api with a fake engine that has left memory."""
    module = service(UNLOAD_AFTER=SECONDS)
    client = module.app.test_client()
    wait_for(lambda: client.get("/ready").json["ready"], 5)
    wait_for(lambda: is_unloaded(module.cosyvoice), 5)
    return module


def test_ready_says_that_the_model_is_unloaded_and_nothing_but_speech_loads_it(idle_service):
    client = idle_service.app.test_client()
    ready = client.get("/ready")
    assert ready.status_code == 200 and ready.json["model_state"] == "unloaded"
    assert client.get("/speakers").json["speakers"] and client.get("/metrics").data
    assert client.get("/instructions").status_code == client.get("/v1/models").status_code == 200
    assert is_unloaded(idle_service.cosyvoice)
    assert client.post("/generate_audio", json={**SFT, "stream": "False"}).status_code == 200
    assert client.get("/ready").json["model_state"] == "loaded"


def test_failing_reload_is_told_by_the_request_and_by_ready_until_it_works(
    idle_service, monkeypatch
):
    client, load = idle_service.app.test_client(), idle_service.cosyvoice.load
    monkeypatch.setattr(idle_service.cosyvoice, "load", Loader.__call__)  # needs an argument: fails
    refused = client.post("/generate_audio", json=SFT)
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "30"
    assert refused.json["code"] == "model_not_loaded" and " / " in refused.json["error"]
    ready = client.get("/ready")
    assert ready.status_code == 503 and ready.json["model_state"] == "damaged"
    assert ready.json["reasons"]
    monkeypatch.setattr(idle_service.cosyvoice, "load", load)
    wait_for(lambda: not idle_service.readiness.started, 5)  # the trial has failed too
    idle_service.cosyvoice.next_attempt = idle_service.readiness.next_trial = 0.0
    wait_for(lambda: client.get("/ready").status_code == 200, 5)


def test_the_model_for_instructions_rests_too(service, tmp_path):
    (tmp_path / "Fake-Instruct").mkdir()
    module = service(UNLOAD_AFTER=SECONDS, COSYVOICE_INSTRUCT_MODEL=tmp_path / "Fake-Instruct")
    second = module.instruct_model.get()
    assert second is not module.cosyvoice
    wait_for(lambda: is_unloaded(second), 5)
    job = {**SFT, "mode": "自然语言控制", "prompt_text": "慢一点", "stream": "False"}
    assert module.app.test_client().post("/generate_audio", json=job).status_code == 200


def test_without_the_setting_nothing_rests(service):
    assert isinstance(service().cosyvoice, FakeEngine)


MEASURE = """
import gc, json, sys, threading, time
from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.serve.speaking.resting import Resting

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

def speak():
    for chunk in engine.inference_sft("你好，很高兴认识你。", "中文女", stream=True, seed=0):
        pass

def run():
    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()

engine = Resting(lambda: AutoModel(sys.argv[1]), 0.5, lambda: False)
run()
spoke = rss()
while engine.model_state == "loaded" or threading.active_count() > 1:
    time.sleep(0.05)
rested = rss()
mapped = [line for line in open("/proc/self/maps") if ".pt" in line]
begin = time.monotonic()
run()
print(json.dumps({"spoke": spoke, "rested": rested, "again": rss(), "mapped": mapped}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_the_small_model_goes_back_to_the_system():
    model = ROOT / "pretrained_models/CosyVoice-Mini-25Hz"
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(model)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["rested"] < seen["spoke"] - 60 and seen["mapped"] == []  # MB
    assert seen["again"] < seen["spoke"] + 40
    print(seen)
