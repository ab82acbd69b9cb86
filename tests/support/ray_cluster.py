"""A Ray cluster of two nodes on this machine, and the replica that the tests run on it."""

import os

from cosyvoice.serve.cluster.app import application, deploy
from cosyvoice.serve.cluster.replica import Replica
from cosyvoice.serve.config import read_config
from tests.support.fake_engine import FakeEngine

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
NOTES = "NOTES_OF_TEST"  # the environment variable of the folder where replicas leave notes


class ReplicaForTests(Replica):
    """Texts with marks are spoken by the fake engine, which obeys them; others by the model."""

    def load(self, folder):
        return EitherEngine(super().load(folder))


class EitherEngine:
    def __init__(self, model):
        self.model, self.fake = model, FakeEngine(model.model_dir)

    def __getattr__(self, name):
        return getattr(self.model, name)

    def inference_sft(self, tts_text, *values, **named):
        if "{" not in tts_text:
            yield from self.model.inference_sft(tts_text, *values, **named)
            return
        folder = os.environ[NOTES]
        if tts_text.startswith("pid"):
            with open(f"{folder}/pids", "a") as file:
                file.write(f"{os.getpid()}\n")
        try:
            yield from self.fake.inference_sft(tts_text, *values, **named)
        finally:
            with open(f"{folder}/ended", "a") as file:
                file.write(f"{tts_text}\n")


def start(notes, model_dir, instruct_dir=""):
    """(cluster, its second node), with a replica at work on each."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ[NOTES] = str(notes)
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    node = cluster.add_node(**NODE)
    environ = {
        "COSYVOICE_MODEL": str(model_dir),
        "COSYVOICE_INSTRUCT_MODEL": str(instruct_dir),
        "PRECISION": "float32",
    }
    app = application(read_config(environ=environ), 2, 2, cpus=1, replica=ReplicaForTests)
    deploy(cluster.address, app)
    ray.shutdown()  # the service has a connection of its own
    return cluster, node
