"""A replica without Ray: its methods are run as Serve runs them."""

import asyncio
import subprocess
import sys
import threading

import pytest

from cosyvoice.serve.cluster import FACTS, FOR_INSTRUCTIONS, MAIN
from cosyvoice.serve.cluster import replica as module
from cosyvoice.serve.cluster.replica import Replica
from cosyvoice.serve.config import ROOT
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import wait_for


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A function that makes a replica with the fake engine."""
    monkeypatch.setattr(module, "AutoModel", FakeEngine)
    monkeypatch.setattr(module, "PRETRAINED", tmp_path)
    FakeEngine.speaking = 0
    return lambda instruct="", max_concurrent=2: Replica(
        str(tmp_path), instruct, {}, max_concurrent
    )


async def items(replica: Replica, text: str, most: int = 1000) -> list[dict]:
    """The first items of a stream, which is closed then."""
    got = []
    stream = replica.stream(MAIN, "inference_sft", [text, "中文女"], {"seed": 1})
    async for item in stream:
        got.append(item)
        if len(got) == most:
            break
    await stream.aclose()
    return got


def test_it_tells_what_the_service_must_know(make):
    about = asyncio.run(make(max_concurrent=3).about(MAIN))
    assert about["facts"].keys() == set(FACTS) and about["facts"]["sample_rate"] == 22050
    assert about["speakers"][0] == "中文女" and about["max_concurrent"] == 3


def test_a_stream_gives_every_chunk_and_errors_as_items(make):
    replica = make()
    assert [list(item) for item in asyncio.run(items(replica, "{chunks=3}"))] == [["chunk"]] * 3
    *chunks, last = asyncio.run(items(replica, "{fail=1}"))
    assert len(chunks) == 1 and "the engine broke" in last["failure"]
    (refused,) = asyncio.run(items(replica, "{error=TextError}"))
    assert refused["error"]["kind"] == "TextError"


def test_it_reads_sentences_back_as_the_service_would(make):
    assert make().main.verifier is None
    mini = str(ROOT / "pretrained_models/CosyVoice-Mini-25Hz")
    assert Replica(mini, "", {}, 1, (0.1, "")).main.verifier.limit == 0.1


def test_a_stream_that_is_left_stops_the_engine(make):
    replica = make()
    asyncio.run(items(replica, "{chunks=50 delay=0.1}", most=1))
    wait_for(lambda: FakeEngine.speaking == 0, 1)
    assert FakeEngine.ended_early


def test_no_more_calls_work_at_once_than_it_may_take(make):
    replica, FakeEngine.peak = make(max_concurrent=2), 0

    async def four():
        await asyncio.gather(*(items(replica, "{chunks=2 delay=0.1}") for _ in range(4)))

    asyncio.run(four())
    assert FakeEngine.peak == 2


def test_the_model_for_instructions_is_loaded_once_at_its_first_use(make, tmp_path):
    replica = make()
    assert "missing" in asyncio.run(replica.about(FOR_INSTRUCTIONS))
    (tmp_path / "CosyVoice-300M-Instruct").mkdir()
    with_threads = [
        threading.Thread(target=replica.engine, args=(FOR_INSTRUCTIONS,)) for _ in range(3)
    ]
    for thread in with_threads:
        thread.start()
    for thread in with_threads:
        thread.join()
    about = asyncio.run(replica.about(FOR_INSTRUCTIONS))
    assert about["facts"]["supports_instruct"] and replica.engine(MAIN) is replica.main
    assert replica.engine(FOR_INSTRUCTIONS) is replica.second


@pytest.mark.parametrize("imported, unwanted", [("app", {"flask", "ray"}), ("link", {"torch"})])
def test_a_process_imports_only_what_it_needs(imported, unwanted):
    program = f"import sys, cosyvoice.serve.cluster.{imported}; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert not unwanted & set(modules)
