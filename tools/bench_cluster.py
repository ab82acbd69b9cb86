"""How much two nodes of one core speak against one: python -m tools.bench_cluster [--model FOLDER]

Starts a Ray cluster on this machine (requirements-cluster.txt) with a replica on each node, and
speaks the same texts from as many callers as the nodes have places: with two nodes, with one, and
with two again, so that a change of the machine's load shows. Prints for each round the seconds of
sound made in a second, and the median and longest time to the first chunk of a stream.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

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


def measure(engine: RayEngine, nodes: int, texts: int) -> float:
    """Seconds of sound in a second, with the texts of a round spoken on so many nodes."""
    while engine.cluster.replicas != nodes:
        time.sleep(0.1)
    begin = time.perf_counter()
    with ThreadPoolExecutor(engine.cluster.places) as callers:
        spoken = list(callers.map(lambda number: speak(engine, number), range(texts)))
    seconds = time.perf_counter() - begin
    speed = sum(sound for sound, _ in spoken) / seconds
    firsts = [first for _, first in spoken]
    print(
        f"{nodes} nodes: {speed:.2f} s of sound a second; "
        f"first chunk {statistics.median(firsts):.2f} s, at most {max(firsts):.2f} s",
        flush=True,
    )
    return speed


def main():
    import ray
    from ray.cluster_utils import Cluster as LocalCluster

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
        two = measure(engine, 2, wanted.texts)
        nodes.remove_node(second)
        one = measure(engine, 1, wanted.texts)
        nodes.add_node(**NODE)
        again = measure(engine, 2, wanted.texts)
        print(f"two nodes against one: {(two + again) / 2 / one:.2f}")
        cluster.close()
    finally:
        nodes.shutdown()


if __name__ == "__main__":
    main()
