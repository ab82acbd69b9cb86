"""A fake engine for tests of the service without a model.

It speaks tones at once. Marks in the text control it, so that they also work in another process:
`{chunks=20 size=22050 delay=0.1 fail=3 hang=2 error=TextError}`.
"""

import re
import sys
import threading
import time
import types

import numpy as np

RATE = 22050
SETTINGS = {
    "chunks": 3,
    "size": 30000,
    "delay": 0.0,
    "fail": -1,
    "hang": -1,
    "setup": 0.0,
    "error": "",
    "tries": 0,  # as an engine with a verifier, which hears all sentences alike
    "score": 0.0,
}


def settings(text: str) -> dict:
    found = re.search(r"\{(.*?)\}", text)
    given = dict(pair.split("=") for pair in found[1].split()) if found else {}
    return {name: type(default)(given.get(name, default)) for name, default in SETTINGS.items()}


def tone(start: int, size: int, seed: int) -> np.ndarray:
    """Samples `start` to `start + size` of a chirp whose pitch follows from the seed, (1, size).

    It is a function of absolute time, so that chunks join smoothly.
    """
    t = np.arange(start, start + size) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 + seed % 500) * t + 3 * np.sin(7 * t)))[None].astype(
        np.float32
    )


class FakeEngine:
    """The interface of cosyvoice.cli.cosyvoice.CosyVoice; of CosyVoice3 for a directory named so.

    Fun-CosyVoice3 has no speakers of its own.
    """

    sample_rate, token_rate, device, precision = RATE, 25, "cpu", "float32"
    model_state, load_seconds = "loaded", 0.5
    speaking, peak, ended_early = 0, 0, 0  # generators alive now, most at once, stopped or failed
    calls = []  # (method, arguments)
    guard = threading.Lock()

    def __init__(self, model_dir, **options):
        self.model_dir, self.model = str(model_dir), types.SimpleNamespace(device="cpu")
        self.supports_instruct2 = "CosyVoice3" in self.model_dir
        self.supports_instruct = self.supports_instruct2 or "Instruct" in self.model_dir
        self.model_family = "CosyVoice-300M-25Hz"
        if self.supports_instruct2:
            self.model_family, self.sample_rate = "Fun-CosyVoice3-0.5B", 24000

    def list_available_spks(self):
        return [] if self.supports_instruct2 else ["中文女", "中文男", "英文女"]

    def inference_sft(
        self,
        tts_text,
        spk_id,
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed=None,
        voice=None,
        check=None,
        pronunciations=None,
    ):
        return self._speak(
            "sft",
            tts_text,
            seed,
            speed,
            check,
            spk_id=spk_id,
            voice=voice,
            stream=stream,
            pronunciations=pronunciations,
        )

    def inference_zero_shot(
        self,
        tts_text,
        prompt_text,
        prompt_wav,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed=None,
        voice=None,
        check=None,
        pronunciations=None,
    ):
        return self._speak(
            "zero_shot",
            tts_text,
            seed,
            speed,
            check,
            prompt_text=prompt_text,
            voice=voice,
            stream=stream,
            pronunciations=pronunciations,
        )

    def inference_cross_lingual(
        self,
        tts_text,
        prompt_wav,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed=None,
        prompt_speech_16k=None,
        check=None,
        pronunciations=None,
    ):
        return self._speak(
            "cross_lingual",
            tts_text,
            seed,
            speed,
            check,
            prompt_wav=prompt_wav,
            stream=stream,
            pronunciations=pronunciations,
        )

    def inference_instruct(
        self,
        tts_text,
        spk_id,
        instruct_text,
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed=None,
        voice=None,
        check=None,
        pronunciations=None,
    ):
        return self._speak(
            "instruct",
            tts_text,
            seed,
            speed,
            check,
            spk_id=spk_id,
            instruct_text=instruct_text,
            voice=voice,
            stream=stream,
            pronunciations=pronunciations,
        )

    def inference_instruct2(
        self,
        tts_text,
        instruct_text,
        prompt_wav,
        zero_shot_spk_id="",
        stream=False,
        speed=1.0,
        text_frontend=True,
        seed=None,
        prompt_speech_16k=None,
        check=None,
        pronunciations=None,
    ):
        return self._speak(
            "instruct2",
            tts_text,
            seed,
            speed,
            check,
            instruct_text=instruct_text,
            prompt_wav=prompt_wav,
            stream=stream,
        )

    def inference_vc(
        self,
        source_wav,
        prompt_wav=None,
        stream=False,
        speed=1.0,
        seed=None,
        prompt_speech_16k=None,
        spk_id="",
        voice=None,
        check=None,
    ):
        return self._speak(
            "vc",
            "",
            seed,
            speed,
            check,
            source_wav=source_wav,
            prompt_wav=prompt_wav,
            spk_id=spk_id,
            voice=voice,
            stream=stream,
        )

    def speaker_voice(self, spk_id):
        return {**make_voice(self.model_family, tokens=0), "flow_embedding": named(spk_id)}

    def make_voice(self, prompt_text, prompt_wav, consent=""):
        FakeEngine.calls.append(
            ("make_voice", {"prompt_text": prompt_text, "prompt_wav": prompt_wav})
        )
        return make_voice(self.model_family, consent=consent)

    def _speak(self, method, text, seed, speed, check, **arguments):
        from cosyvoice.utils import errors

        plan = settings(text)
        with FakeEngine.guard:
            FakeEngine.calls.append(
                (method, {"text": text, "seed": seed, "speed": speed, **arguments})
            )
            FakeEngine.speaking += 1
            FakeEngine.peak = max(FakeEngine.peak, FakeEngine.speaking)
        finished = False
        try:
            time.sleep(plan["setup"])
            if plan["error"]:
                raise getattr(errors, plan["error"])("the engine refuses", "引擎拒绝")
            size = int(plan["size"] / speed)
            for i in range(plan["chunks"]):
                if i == plan["fail"]:
                    raise RuntimeError("the engine broke")
                if i == plan["hang"]:
                    time.sleep(60)  # never calls check
                for _ in range(round(plan["delay"] / 0.02)):
                    check and check()  # one step of the engine
                    time.sleep(0.02)
                yield {
                    "tts_speech": tone(i * size, size, seed or 0),
                    "sentence": i // 2,
                    "text": f"句{i // 2}",
                    "spoken": f"说{i // 2}",
                    "sentences": [(f"句{i // 2}", f"说{i // 2}")],
                    **({name: plan[name] for name in ("score", "tries")} if plan["tries"] else {}),
                }
            finished = True
        finally:
            with FakeEngine.guard:
                FakeEngine.speaking -= 1
                FakeEngine.ended_early += not finished


def named(name: str):
    """A speaker vector that belongs to a name, (1, 192)."""
    import torch

    return torch.randn(1, 192, generator=torch.Generator().manual_seed(len(name) + ord(name[-1])))


def make_voice(family: str, tokens: int = 25, consent: str = "") -> dict:
    """A valid voice of any family."""
    import torch

    ids, mel = torch.arange(tokens, dtype=torch.int32)[None], torch.zeros(1, tokens * 3, 80)
    voice = {
        "prompt_text": ids,
        "llm_prompt_speech_token": ids,
        "flow_prompt_speech_token": ids,
        "prompt_speech_feat": mel,
    }
    lengths = {
        f"{name}_len": torch.tensor([value.shape[1]], dtype=torch.int32)
        for name, value in voice.items()
    }
    embedding = torch.ones(1, 192)
    return {
        **voice,
        **lengths,
        "llm_embedding": embedding,
        "flow_embedding": embedding,
        "meta": {
            "family": family,
            "fingerprint": "fake",
            "created": "2025-01-01",
            "consent": consent,
            "language": "zh",
        },
    }


def install_fake_engine(set_module=sys.modules.__setitem__):
    """Let `from cosyvoice.cli.cosyvoice import AutoModel` give the fake."""
    module = types.ModuleType("cosyvoice.cli.cosyvoice")
    module.AutoModel = FakeEngine
    set_module("cosyvoice.cli.cosyvoice", module)
