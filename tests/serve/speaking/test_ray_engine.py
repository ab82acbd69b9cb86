"""The service with its engines on a real Ray cluster of two nodes, which loses its parts.

A cluster takes half a minute to start, so one test has it: each step is a fact of its own.
"""

import logging
import os
import shutil
import signal
import threading
from contextlib import closing
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from cosyvoice.cli.cosyvoice import CosyVoice
from cosyvoice.serve.config import StartError
from cosyvoice.serve.speaking import ray_engine
from cosyvoice.utils.errors import TextError, UnknownSpeaker
from tests.support.fake_engine import tone
from tests.support.jobs import CLONE, CROSS, INSTRUCT, SFT
from tests.support.ray_cluster import TwoNodes, address_of
from tests.support.server import free_port
from tests.support.sounds import read_wav
from tests.support.waiting import wait_for

TEXT = "今天天气很好。[pause 300ms]我们去公园走一走。"
SECONDS = 60  # for what Ray does


def sound_of(chunks) -> torch.Tensor:
    return torch.cat([chunk["tts_speech"] for chunk in chunks], 1)


@pytest.mark.parametrize("missing", ["ray", "posix"])
def test_where_ray_cannot_run_the_start_ends_with_a_sentence(service, monkeypatch, missing):
    if missing == "ray":
        monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    else:
        monkeypatch.setattr(ray_engine.sys, "platform", "win32")
    with pytest.raises(StartError, match="requirements-cluster.txt.* / .*COSYVOICE_ENGINE=ray"):
        service(COSYVOICE_ENGINE="ray")


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_engines_on_a_cluster(
    service, model_dir, reference_wav, tmp_path, monkeypatch, caplog, subtests
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(ray_engine, "TOLD_AFTER", 0.5)
    monkeypatch.setenv("OSS_SESSION_TOKEN", "secret")
    port = free_port()
    front = service(fake=False, COSYVOICE_ENGINE="ray", RAY_ADDRESS=address_of(port))
    (tmp_path / "reference/a").mkdir()
    soundfile.write(tmp_path / "reference/a/ref.wav", reference_wav[0].numpy(), 16000)
    local = CosyVoice(model_dir, precision="float32")
    world = SimpleNamespace(
        front=front,
        client=front.app.test_client(),
        engine=front.cosyvoice,
        cluster=front.cluster,
        local=local,
        audio=reference_wav,
        caplog=caplog,
        nodes=None,
        instruct_dir=shutil.copytree(model_dir, tmp_path / "CosyVoice-300M-Instruct"),
    )
    try:
        for step in BEFORE:
            with subtests.test(step.__name__):
                step(world)
        world.nodes = TwoNodes(port, tmp_path)
        world.nodes.deploy(model_dir, world.instruct_dir)
        wait_for(lambda: world.cluster.reason is None, SECONDS)
        for step in STEPS:
            with subtests.test(step.__name__):
                step(world)
    finally:
        front.cluster.close()
        if world.nodes:
            world.nodes.close()


def the_service_answers_503_before_there_is_a_cluster(world):
    answer = world.client.post("/generate_audio", json=SFT)
    assert (answer.status_code, answer.json["code"]) == (503, "cluster_away")
    assert int(answer.headers["Retry-After"]) > 0
    ready = world.client.get("/ready")
    assert ready.status_code == 503 and ready.json["model"] is None
    for path in ("/health", "/metrics"):
        assert world.client.get(path).status_code == 200
    wait_for(lambda: "does not answer" in world.caplog.text, SECONDS)
    assert "does not answer" in world.client.get("/ready").json["reasons"][0]
    assert len([r for r in world.caplog.records if "does not answer" in r.message]) == 1


def the_service_knows_the_model_without_having_it(world):
    for name in ("model_family", "sample_rate", "token_rate", "precision", "supports_instruct"):
        assert getattr(world.engine, name) == getattr(world.local, name)
    assert world.engine.list_available_spks() == world.local.list_available_spks()
    assert world.client.get("/speakers").json["speakers"]
    wait_for(lambda: world.cluster.replicas == 2, SECONDS)
    assert world.front.slots.limit == 2 * world.front.config.max_concurrent


def the_service_is_ready_when_a_replica_has_spoken(world):
    wait_for(lambda: world.client.get("/ready").status_code == 200, SECONDS)
    assert world.client.get("/ready").json["real_time_factor"] > 0


def every_mode_sounds_as_it_does_here(world):
    voice = world.local.make_voice("参考。", world.audio, "yes")
    instruct = world.front.instruct_model.get()
    local_instruct = CosyVoice(world.instruct_dir, precision="float32")
    said = {"公园": "花园"}
    calls = {
        "inference_sft": {"spk_id": "中文女", "pronunciations": said},
        "inference_zero_shot": {"prompt_text": "参考。", "prompt_wav": None, "voice": voice},
        "inference_cross_lingual": {"prompt_wav": world.audio, "speed": 1.5},
    }
    for method, named in calls.items():
        for stream in (False, True):
            here, there = (
                list(getattr(engine, method)(TEXT, **named, seed=3, stream=stream))
                for engine in (world.local, world.engine)
            )
            assert torch.equal(sound_of(there), sound_of(here)), method
            assert [chunk["text"] for chunk in there] == [chunk["text"] for chunk in here]
    here, there = (
        sound_of(engine.inference_instruct(TEXT, "中文女", "慢一点", voice=voice, seed=3))
        for engine in (local_instruct, instruct)
    )
    assert torch.equal(here, there)


def a_voice_made_there_is_that_made_here(world):
    here, there = (e.make_voice("参考。", world.audio, "yes") for e in (world.local, world.engine))
    assert here.keys() == there.keys() and there["meta"]["consent"] == "yes"
    for name, value in here.items():
        assert (
            name == "meta" or torch.equal(value, there[name]) and value.dtype == there[name].dtype
        )


def every_endpoint_works(world):
    for fields in (SFT, CLONE, CROSS, INSTRUCT):
        answer = world.client.post("/generate_audio", json={**fields, "stream": "True"})
        assert answer.status_code == 200 and len(answer.data) > 1000, answer.text
    fields = {**CLONE, "exp_name": "妈妈", "stream": "False"}
    assert len(read_wav(world.client.post("/generate_audio", json=fields).data)) > 1000
    voice = {**SFT, "spk_customize": "妈妈", "user_id": "1321"}
    assert world.client.post("/generate_audio", json=voice).status_code == 200
    speech = {"model": "tts-1", "voice": "alloy", "input": "你好", "response_format": "wav"}
    assert world.client.post("/v1/audio/speech", json=speech).status_code == 200
    assert "cosyvoice_model_load_seconds{" in world.client.get("/metrics").text


def errors_of_ours_come_back_as_they_are(world):
    with pytest.raises(UnknownSpeaker) as here:
        list(world.local.inference_sft("你好", "nobody"))
    with pytest.raises(UnknownSpeaker) as there:
        list(world.engine.inference_sft("你好", "nobody"))
    assert (here.value.en, here.value.zh) == (there.value.en, there.value.zh)
    with pytest.raises(TextError):
        list(world.engine.inference_sft("{error=TextError}", "中文女"))
    with pytest.raises(RuntimeError, match="the engine broke"):
        list(world.engine.inference_sft("{fail=1}", "中文女"))


def sound_comes_as_it_is_made(world):
    with closing(world.engine.inference_sft("{chunks=50 delay=0.2 size=900}", "中文女")) as chunks:
        next(chunks)
        assert not world.nodes.noted("{chunks=50 stopped")


def a_caller_who_leaves_stops_the_replica_at_its_next_token(world):
    left = threading.Event()

    def check():
        if left.is_set():
            raise TimeoutError("the caller has left")

    chunks = world.engine.inference_sft("checked {chunks=9 delay=60}", "中文女", check=check)
    wait = threading.Timer(1, left.set)
    wait.start()
    with pytest.raises(TimeoutError):
        next(chunks)
    chunks = world.engine.inference_sft("closed {chunks=50 delay=0.5}", "中文女")
    next(chunks)
    chunks.close()
    for name in ("checked", "closed"):
        wait_for(lambda name=name: world.nodes.noted(f"{name} stopped"), 2)


def a_replica_has_neither_secrets_nor_flask(world):
    assert set(world.nodes.noted("secret")) == {""}
    assert set(world.nodes.noted("flask")) == {"False"}


def a_replica_killed_before_the_first_sound_costs_nothing(world):
    speech = Speech(world, "early", "{chunks=3 delay=1 size=900}", seed=7)
    wait_for(lambda: world.nodes.speaker("early"), SECONDS)
    kill_replica(world, "early")
    whole = np.concatenate([tone(i * 900, 900, 7) for i in range(3)], 1)
    assert torch.equal(speech.sound(), torch.tensor(whole))
    assert len(set(world.nodes.noted("early speaks"))) == 2


def a_replica_killed_in_the_middle_breaks_its_streams_alone(world):
    speeches = speeches_on_both(world, "middle")
    text = "answer {chunks=25 delay=0.2 size=30000}"
    answer = world.client.post("/generate_audio", json={**SFT, "tts_text": text, "stream": "True"})
    kill_replica(world, "answer")
    with pytest.raises(RuntimeError, match="in the middle"):
        for _ in answer.response:
            pass
    for speech in speeches:
        killed = world.nodes.speaker(speech.name) == world.nodes.speaker("answer")
        assert speech.outcome() == ("broken" if killed else "whole")
        assert len(world.nodes.noted(f"{speech.name} speaks")) == 1  # it was not repeated


def a_node_that_leaves_costs_its_own_streams_alone(world):
    speeches = speeches_on_both(world, "node")
    world.nodes.remove_second()
    assert {speech.outcome() for speech in speeches} == {"whole", "broken"}
    wait_for(lambda: world.cluster.replicas == 1, SECONDS)
    assert world.front.slots.limit == world.front.config.max_concurrent
    assert world.client.post("/generate_audio", json=SFT).status_code == 200


def a_cluster_that_goes_is_a_503(world):
    world.nodes.close()
    wait_for(lambda: world.client.get("/ready").status_code == 503, SECONDS)
    answer = world.client.post("/generate_audio", json=SFT)
    assert (answer.status_code, answer.json["code"]) == (503, "cluster_away")
    assert world.client.get("/speakers").json["speakers"]  # what was known is kept
    assert world.client.get("/health").status_code == 200


class Speech:
    """Takes the chunks of a text with marks in a thread of its own."""

    def __init__(self, world, name: str, marks: str, seed=0):
        self.name, self.chunks, self.error = name, [], None
        speech = world.engine.inference_sft(f"{name} {marks}", "中文女", seed=seed)
        self.thread = threading.Thread(target=self._take, args=(speech,))
        self.thread.start()

    def _take(self, speech):
        try:
            for chunk in speech:
                self.chunks.append(chunk)
        except Exception as error:
            self.error = error

    def sound(self) -> torch.Tensor:
        self.thread.join(SECONDS)
        if self.error:
            raise self.error
        return sound_of(self.chunks)

    def outcome(self) -> str:
        try:
            return "whole" if self.sound().shape == (1, 25 * 900) else "cut"
        except RuntimeError:
            return "broken"


def speeches_on_both(world, name: str) -> list[Speech]:
    """Streams of 5 s that have begun to sound, at least one on each replica."""
    wait_for(lambda: world.cluster.replicas == 2, SECONDS)
    speeches: list[Speech] = []
    while len({world.nodes.speaker(speech.name) for speech in speeches}) < 2:
        speeches.append(Speech(world, f"{name}{len(speeches)}", "{chunks=25 delay=0.2 size=900}"))
        wait_for(lambda: speeches[-1].chunks, SECONDS)
    return speeches


def kill_replica(world, name: str):
    """Kill the one that speaks the text of that name; returns when that is known."""
    os.kill(world.nodes.speaker(name), signal.SIGKILL)
    wait_for(lambda: world.cluster.replicas == 1, SECONDS)


BEFORE = [the_service_answers_503_before_there_is_a_cluster]
STEPS = [
    the_service_knows_the_model_without_having_it,
    the_service_is_ready_when_a_replica_has_spoken,
    every_mode_sounds_as_it_does_here,
    a_voice_made_there_is_that_made_here,
    every_endpoint_works,
    errors_of_ours_come_back_as_they_are,
    sound_comes_as_it_is_made,
    a_caller_who_leaves_stops_the_replica_at_its_next_token,
    a_replica_has_neither_secrets_nor_flask,
    a_replica_killed_before_the_first_sound_costs_nothing,
    a_replica_killed_in_the_middle_breaks_its_streams_alone,
    a_node_that_leaves_costs_its_own_streams_alone,
    a_cluster_that_goes_is_a_503,
]
