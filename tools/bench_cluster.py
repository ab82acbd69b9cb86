"""How much two nodes of one core speak against one: python -m tools.bench_cluster [--model FOLDER]

Starts a Ray cluster on this machine (requirements-cluster.txt) with a replica on each node, and
speaks the same texts from as many callers as the nodes have places: with two nodes, with one, and
with two again, so that a change of the machine's load shows. Prints for each round the seconds of
sound made in a second, the median and longest time to the first chunk of a stream, and the seconds
of processor that a second of sound takes: in the replicas, and in this process and its link, which
stand for the service. On a busy machine only those compare. Linux only.
"""

import argparse
import contextlib
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ray
from ray.cluster_utils import Cluster as LocalCluster

from cosyvoice.serve.cluster.app import application, deploy
from cosyvoice.serve.config import read_config
from cosyvoice.serve.speaking.ray_engine import Cluster, RayEngine

TEXTS = (
    "清晨的风从山谷里吹来，带着青草和泥土的气息。",
    "今天天气很好，我们去公园走一走，好不好？",
    "The train leaves at half past nine from the second platform.",
)
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}


def speak(engine: RayEngine, number: int) -> tuple[float, float]:
    """(seconds of sound, seconds to the first chunk) of one streamed text."""
    begin, first, samples = time.perf_counter(), 0.0, 0
    speaker = engine.list_available_spks()[0]
    text = TEXTS[number % len(TEXTS)]
    for chunk in engine.inference_sft(text, speaker, stream=True, seed=number):
        first = first or time.perf_counter() - begin
        samples += chunk["tts_speech"].shape[1]
    return samples / engine.sample_rate, first


def stat(process: str) -> list[str]:
    """The fields of a process after its name, from its state on; see proc(5)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(process: int) -> float:
    return sum(map(int, stat(str(process))[11:13])) / os.sysconf("SC_CLK_TCK")


def replicas_of(nodes: LocalCluster) -> list[int]:
    """The processes of the replicas of our nodes."""
    raylets = {str(node.all_processes["raylet"][0].process.pid) for node in nodes.list_all_nodes()}
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if "ServeReplica" in path.read_text() and stat(path.parent.name)[1] in raylets:
                found.append(int(path.parent.name))
    return found


def measure(engine: RayEngine, local: LocalCluster, nodes: int, texts: int) -> float:
    """Seconds of sound in a second, with the texts of a round spoken on so many nodes."""
    while engine.cluster.replicas != nodes:
        time.sleep(0.1)
    replicas, service = replicas_of(local), [os.getpid(), engine.cluster.process.pid]
    before = [sum(map(cpu_seconds, each)) for each in (replicas, service)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(engine.cluster.places) as callers:
        spoken = list(callers.map(lambda number: speak(engine, number), range(texts)))
    seconds = time.perf_counter() - begin
    after = [sum(map(cpu_seconds, each)) for each in (replicas, service)]
    total = sum(sound for sound, _ in spoken)
    speed = total / seconds
    work = [(late - early) / total for early, late in zip(before, after)]
    firsts = [first for _, first in spoken]
    print(
        f"{nodes} nodes: {speed:.2f} s of sound a second; "
        f"first chunk {statistics.median(firsts):.2f} s, at most {max(firsts):.2f} s; "
        f"processor for a second of sound {work[0]:.3f} s in replicas, {work[1]:.3f} s here",
        flush=True,
    )
    return speed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="model directory; the best one there is")
    parser.add_argument("--texts", type=int, default=40, help="texts of a round")
    wanted = parser.parse_args()
    config = read_config(environ={"COSYVOICE_MODEL": wanted.model})
    nodes = LocalCluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    try:
        second = nodes.add_node(**NODE)
        deploy(nodes.address, application(config, 2, 2, cpus=1))
        ray.shutdown()
        cluster = Cluster(nodes.address)
        engine = RayEngine(cluster)
        while cluster.reason is not None:
            time.sleep(0.1)
        list(map(lambda number: speak(engine, number), range(2 * len(TEXTS))))  # a first time
        two = measure(engine, nodes, 2, wanted.texts)
        nodes.remove_node(second)
        one = measure(engine, nodes, 1, wanted.texts)
        nodes.add_node(**NODE)
        again = measure(engine, nodes, 2, wanted.texts)
        print(f"two nodes against one: {(two + again) / 2 / one:.2f}")
        cluster.close()
    finally:
        nodes.shutdown()


if __name__ == "__main__":
    main()
