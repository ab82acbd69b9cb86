"""/metrics after requests of each kind. The dashboard asks only for figures that exist."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.fake_engine import RATE
from tests.support.jobs import SFT
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
MODE = SFT["mode"]


def figures(client, **options) -> dict:
    """{(name, label values...): value} of every sample."""
    answer = client.get("/metrics", **options)
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def grown(service):
    """A function that speaks and returns by how much each figure grew."""
    client = service().app.test_client()

    def speak(**fields):
        before = figures(client)
        client.post("/generate_audio", json={**SFT, **fields}, buffered=True).close()
        return {key: value - before.get(key, 0) for key, value in figures(client).items()}

    return speak


def test_a_spoken_request_is_counted_once_with_what_it_made(grown):
    grew = grown(tts_text="你好。", stream="False")
    assert grew["cosyvoice_requests_total", MODE, "done"] == 1
    assert grew["cosyvoice_characters_total", MODE] == 3
    assert grew["cosyvoice_audio_seconds_total", MODE] == pytest.approx(90000 / RATE)
    assert (
        grew["cosyvoice_first_chunk_seconds_count", MODE]
        == grew["cosyvoice_real_time_factor_count", MODE]
        == 1
    )
    assert grew["cosyvoice_queue_length",] == grew["cosyvoice_running",] == 0


def test_failures_are_counted_by_their_code(grown):
    assert (
        grown(tts_text="{fail=0}", stream="False")[
            "cosyvoice_requests_total", MODE, "internal_error"
        ]
        == 1
    )
    refused = grown(seed=-1)
    assert refused["cosyvoice_requests_total", "-", "bad_value"] == 1
    assert (
        sum(value for key, value in refused.items() if key[0] == "cosyvoice_characters_total") == 0
    )


def test_store_errors_are_counted(service, monkeypatch):
    from cosyvoice.serve.storage.store import timed_out_error

    api = service()
    client, before = api.app.test_client(), figures(api.app.test_client())

    def fail(*_):
        raise timed_out_error()

    monkeypatch.setattr(api.store, "fetch", fail)
    fields = {**SFT, "spk_customize": "anna", "user_id": "4"}
    assert client.post("/generate_audio", json=fields, buffered=True).status_code == 504
    key = ("cosyvoice_store_errors_total", "store_timeout")
    assert figures(client)[key] - before.get(key, 0) == 1


def test_looks_at_pages_are_no_requests(service):
    api = service()
    client = api.app.test_client()
    before = figures(client)
    for path in (
        "/health",
        "/",
        "/ready",
        "/requests/not-begun-yet",
        "/voices",
        "/nothing",
    ):  # the page asks before its request arrives
        client.get(path, buffered=True).close()
    wait_for(lambda: api.readiness.done)  # its trial must not reach into the next test
    after = figures(client)
    assert {key: value for key, value in after.items() if key[0] == "cosyvoice_requests_total"} == {
        key: value for key, value in before.items() if key[0] == "cosyvoice_requests_total"
    }


def test_figures_need_the_key_when_there_is_one(service):
    client = service(API_KEY="secret").app.test_client()
    assert client.get("/metrics").status_code == 401
    assert figures(client, headers={"Authorization": "Bearer secret"})


def test_processes_are_added_up(tmp_path):
    script = """if True:
        import os, shutil, sys
        from cosyvoice.serve.routes import metrics
        from cosyvoice.serve.speaking.record import Record
        record = Record("id", mode="m", characters=5, outcome="done", sample_rate=22050)
        record.samples, record.engine_seconds = 22050, 0.5
        metrics.count(record)
        folder = sys.argv[1]
        for name in os.listdir(folder):                # copy them as another process writes them
            shutil.copy(f"{folder}/{name}", f"{folder}/{name.replace(str(os.getpid()), '1')}")
        print(metrics.generate_latest(metrics.registry()).decode())"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'cosyvoice_requests_total{mode="m",outcome="done"} 2.0' in done.stdout
    assert 'cosyvoice_characters_total{mode="m"} 10.0' in done.stdout


def test_the_dashboard_asks_for_what_there_is(grown):
    names = {key[0] for key in grown()} | {
        "cosyvoice_store_errors_total"
    }  # has no sample before the first error
    board = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))
    expressions = [
        target["expr"] for panel in board["panels"] for target in panel.get("targets", ())
    ]
    assert len(expressions) >= 9
    asked = {
        name
        for expression in expressions
        for name in re.findall(r"\b(?:cosyvoice|process)_\w+", expression)
    }
    assert asked <= names | {"process_resident_memory_bytes"}  # only on Linux
    assert ("cosyvoice_model_load_seconds", "CosyVoice-300M-25Hz") in grown()
    places = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places)) and max(x for x, _ in places) < 24
