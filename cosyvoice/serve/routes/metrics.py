"""GET /metrics: how the service is doing, in Prometheus' form.

Fed by the changes of each request's Record. With several processes set PROMETHEUS_MULTIPROC_DIR to
an empty folder before they start; deploy/gunicorn.conf.py removes the figures of those that end.
"""

import contextlib
import os

from flask import Blueprint, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.slots import Slots

SECONDS = (0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30, 60)
FACTORS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1, 1.2, 1.5, 2, 3, 5, 10)
# What is refused at these addresses was a request for speech.
SPEAKING_PATHS = {
    "/generate_audio",
    "/generate_audio_get",
    "/v1/audio/speech",
    "/dialogue",
    "/streams",
    "/voice_conversion",
    "/tts_to_audio",
}
STORE_FAILURES = {"store_failed", "store_timeout"}  # outcomes caused by the object store

REQUESTS = Counter("cosyvoice_requests", "Requests for speech that have ended", ["mode", "outcome"])
CHARACTERS = Counter("cosyvoice_characters", "Characters that were asked for", ["mode"])
AUDIO = Counter("cosyvoice_audio_seconds", "Seconds of sound made", ["mode"])
FIRST_CHUNK = Histogram(
    "cosyvoice_first_chunk_seconds",
    "From a request's arrival to its first encoded sound, queue included",
    ["mode"],
    buckets=SECONDS,
)
REAL_TIME = Histogram(
    "cosyvoice_real_time_factor",
    "Seconds of work per second of sound, by request",
    ["mode"],
    buckets=FACTORS,
)
STORE_ERRORS = Counter(
    "cosyvoice_store_errors", "Requests that the object store let down, after its retries", ["code"]
)
QUEUE = Gauge(
    "cosyvoice_queue_length", "Requests that wait for their turn", multiprocess_mode="livesum"
)
RUNNING = Gauge("cosyvoice_running", "Requests that generate", multiprocess_mode="livesum")
MODEL_LOAD = Gauge(
    "cosyvoice_model_load_seconds",
    "Time that loading a model took",
    ["model"],
    multiprocess_mode="livemax",
)


def blueprint(slots: Slots, instruct_model: Instruct, watchers: list) -> Blueprint:
    """GET /metrics; adds to the watchers what counts every request that ends."""
    metrics = Blueprint("metrics", __name__)
    watchers.append(lambda record: watch(record, slots))

    @metrics.get("/metrics")
    def figures():
        """All figures; those of all processes together when there are several."""
        set_gauges(slots)
        with contextlib.suppress(Problem):  # a cluster that has told nothing yet
            for engine in instruct_model.engines:
                MODEL_LOAD.labels(engine.model_family).set(engine.load_seconds)
        return Response(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)

    return metrics


def registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)
    return together


def set_gauges(slots: Slots):
    QUEUE.set(len(slots.queue))
    RUNNING.set(slots.running)


def watch(record: Record, slots: Slots):
    """Called after each change of a record; counts a request once, when it has ended."""
    set_gauges(slots)
    if record.state == "done" and not record.is_counted:
        record.is_counted = True  # an engine that is being stopped may still change the record
        count(record)


def count(record: Record):
    """Count a request for speech, also one refused before its mode was known ("-").

    Requests about voices and states are not counted.
    """
    if record.outcome in STORE_FAILURES:
        STORE_ERRORS.labels(record.outcome).inc()
    if record.mode != "-" or record.path in SPEAKING_PATHS:
        REQUESTS.labels(record.mode, record.outcome).inc()
    if record.characters:
        CHARACTERS.labels(record.mode).inc(record.characters)
    if record.real_time_factor is not None:
        AUDIO.labels(record.mode).inc(record.seconds)
        REAL_TIME.labels(record.mode).observe(record.real_time_factor)
    if record.first_chunk is not None:
        FIRST_CHUNK.labels(record.mode).observe(record.first_chunk)
