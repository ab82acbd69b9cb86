"""A Ray cluster of two nodes on this machine, and the replica that the tests run on it."""

import os
import re
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from cosyvoice.serve.cluster.app import application, deploy
from cosyvoice.serve.cluster.replica import Replica
from cosyvoice.serve.config import read_config
from tests.support.fake_engine import FakeEngine

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
HEAD = {**NODE, "include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
PLACES = 4  # of each replica, which is not what the service itself has
QUICKER = {  # of Ray: workers start when they are needed, and may take their time
    "RAY_prestart_worker_first_driver": "0",
    "RAY_raylet_start_wait_time_s": "120",
}
NOTES = "NOTES_OF_TEST"  # the environment variable of the folder where replicas leave notes


def address_of(port: int) -> str:
    """The address of a cluster whose head has that port, whether it runs or not."""
    from ray.util import get_node_ip_address

    return f"{get_node_ip_address()}:{port}"


class ReplicaForTests(Replica):
    """Texts with marks are spoken by the fake engine, which obeys them; others by the model."""

    def load(self, folder):
        return EitherEngine(super().load(folder))


class EitherEngine:
    """Notes who speaks a text with marks, and that it has stopped.

    A text with "held=N" is spoken up to chunk N, and on when TwoNodes.release() is called.
    """

    def __init__(self, model):
        self.model, self.fake = model, FakeEngine(model.model_dir)

    def __getattr__(self, name):
        return getattr(self.model, name)

    def inference_sft(self, tts_text, *values, **named):
        if "{" not in tts_text:
            yield from self.model.inference_sft(tts_text, *values, **named)
            return
        name = tts_text.partition(" ")[0]
        note(f"{name} speaks {os.getpid()}")
        note(f"secret {os.environ.get('OSS_SESSION_TOKEN', '')}")
        note(f"flask {'flask' in sys.modules}")
        held = re.search(r"held=(\d)", tts_text)
        try:
            with closing(self.fake.inference_sft(tts_text, *values, **named)) as chunks:
                for number, chunk in enumerate(chunks):
                    while held and number == int(held[1]) and not gate(name).exists():
                        time.sleep(0.02)
                    yield chunk
        finally:
            note(f"{name} stopped")


def gate(name: str) -> Path:
    """The file that lets the texts go on whose names differ in their number alone."""
    return Path(os.environ[NOTES]) / f"{name.rstrip('0123456789')} may go on"


def note(line: str):
    with (Path(os.environ[NOTES]) / "notes").open("a") as file:
        file.write(f"{line}\n")


class TwoNodes:
    """A cluster of two nodes of one core. deploy() starts a replica on each."""

    def __init__(self, port: int, notes: Path):
        from ray.cluster_utils import Cluster

        os.environ.update({NOTES: str(notes)} | QUICKER)
        self.notes = notes / "notes"
        self.cluster = Cluster()
        try:
            self.cluster.add_node(**HEAD, gcs_server_port=port)
            self.second = self.cluster.add_node(**NODE)
        except Exception as error:  # Ray gives a node 15 s, too few for a very busy machine
            self.close()
            pytest.skip(f"Ray starts no cluster here: {error}")

    def deploy(self, model_dir: Path, instruct_dir: Path):
        import ray

        environ = {
            "COSYVOICE_MODEL": str(model_dir),
            "COSYVOICE_INSTRUCT_MODEL": str(instruct_dir),
            "PRECISION": "float32",
            "MAX_CONCURRENT": str(PLACES),
        }
        app = application(read_config(environ=environ), 2, 2, cpus=1, replica=ReplicaForTests)
        deploy(self.cluster.address, app)
        ray.shutdown()  # the service has a connection of its own

    def noted(self, start: str) -> list[str]:
        """The ends of the notes that begin so."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line.removeprefix(start).strip() for line in lines if line.startswith(start)]

    def speaker(self, name: str) -> int:
        """The process of the replica that was the last to begin the text of that name; or 0."""
        return int(([0] + self.noted(f"{name} speaks"))[-1])

    def release(self, name: str):
        gate(name).touch()

    def remove_second(self):
        self.cluster.remove_node(self.second)

    def close(self):
        """End the cluster; may be called again."""
        self.cluster.shutdown()
        for name in (NOTES, *QUICKER):
            os.environ.pop(name, None)
