"""The memory of a service that has run for long: the same as after its first requests."""

import subprocess
import sys

import pytest

from cosyvoice.utils.process import glibc

# speaks utterances of 300 lengths, and prints the process's megabytes after the 20th and the last
SPEAK = """
import os, random, sys, threading
from cosyvoice.cli.cosyvoice import CosyVoice
import torch

torch.set_num_threads(1)
engine = CosyVoice(sys.argv[1], precision=sys.argv[2], flow_steps=1)
hift = engine.model.hift
hift.resblocks = hift.resblocks[::3]  # fewer kernels to compile for each length
for block in [*hift.resblocks, *hift.source_resblocks]:
    for layers in (block.convs1, block.convs2, block.activations1, block.activations2):
        del layers[1:]
engine.frontend.sentences = lambda *_: ["one"]
engine.frontend.text_token = lambda text: torch.zeros(1, 3, dtype=torch.int32)
utterances = [(tokens, speed) for tokens in range(2, 102) for speed in (1.0, 1.41, 1.99)]
random.Random(0).shuffle(utterances)

def speak(tokens, speed):
    speech = {"source_speech_token": torch.arange(tokens)[None].int()}
    condition = {**speech, "flow_embedding": torch.ones(1, 192)}
    for chunk in engine._speak("", condition, tokens % 2 == 0, speed, True, 0, None):
        pass

for done, utterance in enumerate(utterances, 1):
    thread = threading.Thread(target=speak, args=utterance)
    thread.start()
    thread.join()
    if done in (20, 300):
        pages = int(open("/proc/self/statm").read().split()[1])
        print(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
"""


@pytest.mark.slow
@pytest.mark.skipif(glibc() is None, reason="reads the memory of a process on Linux")
@pytest.mark.parametrize("precision", ["auto", "float32", "int8"])
def test_memory_is_flat_from_the_twentieth_request_on(model_dir, precision):
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SPEAK, str(model_dir), precision],
        capture_output=True,
        text=True,
    )
    early, late = map(float, shown.stdout.split())
    assert late - early < 30
