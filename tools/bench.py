"""How fast each part of a model runs, how fast the whole, and in how much memory.

    python tools/bench.py pretrained_models/CosyVoice-300M-25Hz
    python tools/bench.py --random 300m-25hz                         # random weights, no download
    python tools/bench.py --random 300m-25hz --compare ../CosyVoice  # beside another checkout
    python tools/bench.py --random cosyvoice2                        # or cosyvoice3
    python tools/bench.py --random 300m-25hz --precision float32 bfloat16 int8

--random makes a model of a published size. --precision measures this checkout once for each; the
last rows say how far the results of a 300M model are from those of the first one. Each checkout (a
folder with `cosyvoice/`) runs in a process of its own, with the same weights, inputs and token
counts; they take turns at every measurement, and the best of all rounds counts. Every figure is
printed on stderr at once. The end of speech is ruled out. Text and reference are ready ids and
features, so the front end has no part in it. CPU seconds are of all threads: trust them when the
machine is shared. Loading is without imports and from files in the page cache; peak memory is read
from /proc, so on Linux only.
"""

import argparse
import importlib
import json
import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from hyperpyyaml import load_hyperpyyaml
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_RATE, MEL_HOP = 22050, 256  # of the models whose YAML tells no rate
TEXT_IDS, PROMPT_TEXT_IDS, PROMPT_TOKENS = 50, 20, 100  # what the LM reads before its first token
LM_TOKENS = 50  # decoded after it
TEACHER_TOKENS = 200  # after which scores are compared
UTTERANCE_IDS = 25  # text of the whole utterance and of the stream
PROMPT_SECONDS = 3  # reference of the second flow measurement
NETWORKS = ("llm", "flow", "hift")

END_OF_PROMPT = 151646  # the id that Fun-CosyVoice3 must find in its text
RANDOM = {  # file, and what is put into it
    "300m-25hz": ("bench_300m.yaml", {"TEXT_TOKENS": "60515", "FRAME_RATE": "25"}),
    "300m": ("bench_300m.yaml", {"TEXT_TOKENS": "51866", "FRAME_RATE": "50"}),
    "cosyvoice2": ("bench_cosyvoice2.yaml", {}),
    "cosyvoice3": ("bench_cosyvoice3.yaml", {}),
}
BLANK = "CosyVoice-BlankEN"
QWEN2 = {  # config.json of that folder
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "num_hidden_layers": 24,
    "vocab_size": 151936,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "tie_word_embeddings": True,
}
PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
# upstream's classes by the language model; ours is one
MODELS = {"Qwen2LM": "CosyVoice2Model", "CosyVoice3LM": "CosyVoice3Model"}


class Clock:
    """Wall and CPU seconds of a block; the row of one measurement."""

    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def row(self, **amount) -> dict:
        """amount: `tokens` decoded or seconds of `audio` made."""
        return {"wall": self.wall, "cpu": self.cpu, **amount}


class Bench:
    """One checkout's engine, in its own process. Each measurement gives {what: row}.

    It has the networks of `yaml` with the weights in `folder`, and makes `seconds` of speech.
    """

    def __init__(self, yaml: str, folder: str, seconds: float, precision: str = ""):
        for module in re.findall(r"!new:([\w.]+)\.\w+", yaml):
            importlib.import_module(module)
        from cosyvoice.cli import model

        build_qwen2_without_weights()
        with Clock() as self.clock:
            with unset_weights():
                networks = load_hyperpyyaml(yaml)
            name = MODELS.get(type(networks["llm"]).__name__, "CosyVoiceModel")
            make = getattr(model, name, model.CosyVoiceModel)
            self.model = make(*(networks[name] for name in NETWORKS), **lowered(precision))
            self.model.load(*(str(Path(folder, f"{name}.pt")) for name in NETWORKS))
        self.sample_rate = networks.get("sample_rate", SAMPLE_RATE)
        self.rate = self.model.flow.input_frame_rate
        self.model.llm.sampling = without_end(
            self.model.llm.sampling, self.model.llm.speech_token_size
        )
        self.decode = self.model.llm.inference
        self.set_length(seconds)

    def set_length(self, seconds: float):
        """Make so much speech from now on."""
        self.tokens = round(seconds * self.rate)
        ratio = (self.tokens + 0.5) / UTTERANCE_IDS  # cut down to a whole number of tokens
        self.model.llm.inference = partial(
            self.decode, min_token_text_ratio=ratio, max_token_text_ratio=ratio
        )

    def load(self):
        return {"load": self.clock.row()}

    def lm(self):
        ids = {
            "text": self.text(TEXT_IDS),
            "prompt_text": self.text(PROMPT_TEXT_IDS),
            "prompt_speech_token": self.speech(PROMPT_TOKENS),
        }
        ratio = LM_TOKENS + 1
        tokens = self.model.llm.inference(
            **ids,
            **lengths(ids),
            embedding=torch.randn(1, 192),
            min_token_text_ratio=ratio,
            max_token_text_ratio=ratio,
        )
        with Clock() as prefill:
            next(tokens)
        with Clock() as decoding:
            count = len(list(islice(tokens, LM_TOKENS)))
        tokens.close()
        return {
            "LM, to its first token": prefill.row(),
            "LM, each further token": decoding.row(tokens=count),
        }

    def flow(self, prompt_seconds=0):
        ids = {
            "token": self.speech(self.tokens),
            "prompt_token": self.speech(prompt_seconds * self.rate),
        }
        ids["prompt_feat"] = torch.randn(1, self.frames(prompt_seconds * self.rate), 80)
        with Clock() as clock:
            options = {"flow_cache": torch.zeros(1, 80, 0, 2)}
            if self.frames_per_token:
                options = {"streaming": False, "finalize": True}
            self.model.flow.inference(
                **ids, **lengths(ids), embedding=torch.randn(1, 192), **options
            )
        after = f" after {prompt_seconds} s of reference" if prompt_seconds else ""
        return {"flow" + after: clock.row(audio=self.tokens / self.rate)}

    def prompted_flow(self):
        return self.flow(PROMPT_SECONDS)

    def vocoder(self):
        mel = torch.randn(1, 80, self.frames(self.tokens))
        with Clock() as clock:
            speech, _ = self.model.hift.inference(speech_feat=mel)
        return {"vocoder": clock.row(audio=speech.shape[1] / self.sample_rate)}

    def whole(self):
        with Clock() as clock:
            samples = sum(chunk["tts_speech"].shape[1] for chunk in self.speak(stream=False))
        return {"whole utterance": clock.row(audio=samples / self.sample_rate)}

    def stream(self):
        with Clock() as all_of_it:
            chunks = self.speak(stream=True)
            with Clock() as first:
                samples = next(chunks)["tts_speech"].shape[1]
            samples += sum(chunk["tts_speech"].shape[1] for chunk in chunks)
        return {
            "stream, to its first audio": first.row(),
            "stream, all of it": all_of_it.row(audio=samples / self.sample_rate),
        }

    def outputs(self):
        """What the networks give for the same input, in a file for the errors of a precision.

        scores: log-probabilities of the tokens after each of TEACHER_TOKENS; mel; wave.
        """
        llm, hift = self.model.llm, self.model.hift
        tokens, speaker = self.speech(TEACHER_TOKENS), torch.randn(1, 192)
        with torch.inference_mode():
            text = llm._encode_text(self.text(UTTERANCE_IDS), torch.tensor([UTTERANCE_IDS]))[0]
            start = llm._sequence(llm._speakers(speaker)[0], text, text[:0])[None]
            cache = llm.llm.new_cache()
            states = [llm.llm.step(start, cache)[:, -1:]]
            for token in llm.speech_embedding(tokens).unbind(1):
                states.append(llm.llm.step(token[:, None], cache))
            scores = llm.llm_decoder(torch.cat(states, 1)[0]).float().log_softmax(1)
            ids = {"token": self.speech(self.tokens), "prompt_token": self.speech(0)}
            ids["prompt_feat"] = torch.zeros(1, 0, 80)
            start = torch.zeros(1, 80, 0, 2)
            mel, _ = self.model.flow.inference(
                **ids, **lengths(ids), embedding=speaker, flow_cache=start
            )
            # the same mel for all, so that the vocoder's own error is seen
            wave, _ = hift.inference(speech_feat=torch.randn(mel.shape))
        handle, path = tempfile.mkstemp(suffix=".pt")
        os.close(handle)
        torch.save({"scores": scores, "mel": mel, "wave": wave}, path)
        return {"path": path}

    def memory(self):
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return {"peak memory": {"mib": int(peak[1]) / 1024}}

    def speak(self, stream, prompt_seconds=0):
        embedding = torch.randn(1, 192)
        prompt = self.speech(prompt_seconds * self.rate)
        return self.model.tts(
            text=self.text(UTTERANCE_IDS),
            flow_embedding=embedding,
            llm_embedding=embedding,
            prompt_text=self.text(PROMPT_TEXT_IDS if prompt_seconds else 0),
            llm_prompt_speech_token=prompt,
            flow_prompt_speech_token=prompt,
            prompt_speech_feat=torch.randn(1, self.frames(prompt.shape[1]), 80),
            stream=stream,
        )

    def text(self, count):
        is_qwen = type(self.model.llm).__name__ in MODELS
        table = self.model.llm.llm.model.model.embed_tokens if is_qwen else None
        table = table or self.model.llm.text_embedding
        ids = torch.randint(table.num_embeddings, (1, count), dtype=torch.int32)
        if is_qwen and count:
            ids[0, 0] = END_OF_PROMPT
        return ids

    def speech(self, count):
        return torch.randint(
            self.model.flow.input_embedding.num_embeddings, (1, count), dtype=torch.int32
        )

    @property
    def frames_per_token(self) -> int | None:
        """None for the 300M models, whose frames are not counted by tokens."""
        return getattr(self.model.flow, "token_mel_ratio", None)

    def frames(self, tokens):
        if self.frames_per_token:
            return tokens * self.frames_per_token
        return int(tokens / self.rate * SAMPLE_RATE / MEL_HOP)


# A checkout's package first, before torch: ours tells torch's libraries how to run.
START = "import runpy, sys, cosyvoice; del sys.argv[0]; runpy.run_path(sys.argv[0], {}, '__main__')"

ROUND = ("lm", "flow", "prompted_flow", "vocoder", "whole", "stream")


def lowered(precision: str) -> dict:
    """What our engine takes beside its networks; upstream's and older ones have no precision."""
    if not precision:
        return {}
    from cosyvoice.utils.precision import best_device, plan

    return {"precision": plan(precision, best_device())}


def unset_weights():
    """The way our engine builds networks; upstream draws random weights first."""
    try:
        from cosyvoice.cli.cosyvoice import UnsetWeights
    except ImportError:
        return nullcontext()
    return UnsetWeights()


def build_qwen2_without_weights():
    """Let upstream build its Qwen2 from a config.json alone: llm.pt has its weights too."""
    try:
        from transformers import Qwen2Config, Qwen2ForCausalLM
    except ImportError:
        return
    Qwen2ForCausalLM.from_pretrained = lambda path: Qwen2ForCausalLM(
        Qwen2Config.from_pretrained(path)
    )


def without_end(sampling, speech_tokens: int):
    """The sampling function, to which only speech tokens are possible."""

    def draw(scores, *arguments, **options):
        scores = scores.clone()
        scores[speech_tokens:] = -torch.inf
        return sampling(scores, *arguments, **options)

    return draw


def lengths(tensors: dict) -> dict:
    return {
        f"{name}_len": torch.tensor([tensor.shape[1]], dtype=torch.int32)
        for name, tensor in tensors.items()
    }


def serve(requests, answers):
    """Answer lines: settings first, then names of measurements; one JSON line each."""
    settings = json.loads(next(requests))
    torch.set_num_threads(settings["threads"])
    bench = Bench(
        settings["yaml"], settings["folder"], settings["seconds"], settings.get("precision", "")
    )
    for name in requests:
        torch.manual_seed(0)
        print(json.dumps(getattr(bench, name.strip())()), file=answers, flush=True)


class Checkout:
    """The process of one checkout, as seen from here."""

    def __init__(self, folder: Path, pythonpath: list[str], settings: dict):
        self.folder = folder.resolve()
        if not (self.folder / "cosyvoice").is_dir():
            raise SystemExit(
                f"{folder} has no folder cosyvoice: "
                "give a checkout of this project or of upstream's"
            )
        path = os.pathsep.join(
            [str(self.folder), *(str(Path(extra).resolve()) for extra in pythonpath)]
        )
        environ = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(settings["threads"])}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", START, str(Path(__file__).resolve()), "--child"],
            cwd=self.folder,
            env=environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.send(json.dumps(settings))
        self.measure("load")  # wait until it has: the next one must not load meanwhile

    def send(self, line: str):
        print(line, file=self.process.stdin, flush=True)

    def measure(self, name: str) -> dict:
        self.send(name)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"measuring {name} of {self.folder} failed; its error is above")
        return json.loads(answer)

    def stop(self):
        self.process.kill()
        self.process.wait()


def networks_of(folder: Path) -> str:
    """The entries of a directory's configuration file that name its networks."""
    from cosyvoice.cli.cosyvoice import entries
    from cosyvoice.cli.model_list import layout_of
    from cosyvoice.utils.files import need

    for name in NETWORKS:  # into the page cache
        need(folder / f"{name}.pt").read_bytes()
    text = (folder / layout_of(folder).config).read_text(encoding="utf-8")
    text = re.sub(
        r"^qwen_pretrain_path:.*$",
        lambda _: f"qwen_pretrain_path: {json.dumps(str(folder.resolve() / BLANK))}",
        text,
        flags=re.M,
    )
    return entries(text, (*NETWORKS, "sample_rate"))


def random_yaml(size: str, folder: Path = Path()) -> str:
    """folder: where write_random writes."""
    file, values = RANDOM[size]
    text = (ROOT / "tools" / file).read_text(encoding="utf-8")
    for name, value in {**values, "BLANK": json.dumps(str(folder.resolve() / BLANK))}.items():
        text = text.replace(f" {name}", f" {value}")
    return text


def write_qwen2(folder: Path):
    (folder / BLANK).mkdir()
    (folder / BLANK / "config.json").write_text(json.dumps(QWEN2))


def write_random(folder: Path, yaml: str):
    write_qwen2(folder)
    torch.manual_seed(0)
    networks = load_hyperpyyaml(yaml)
    for name in NETWORKS:
        torch.save(networks.pop(name).state_dict(), folder / f"{name}.pt")


def measure(checkouts: dict[str, Checkout], names: list[str]) -> dict[str, dict[str, dict]]:
    """{checkout: {what: its best row}}"""
    best = {label: {} for label in checkouts}
    for name in tqdm(names, leave=False):
        for label, checkout in checkouts.items():
            for what, row in checkout.measure(name).items():
                tqdm.write(f"{label}: {what}: {figure(row)}", file=sys.stderr)
                best[label][what] = min(
                    row, best[label].get(what, row), key=lambda r: r.get("wall", 0)
                )
    return best


def figure(row: dict) -> str:
    if "mib" in row:
        return f"{row['mib']:.0f} MiB"
    if "error" in row:
        top = f", top-1 {row['top1']:.1%}" if "top1" in row else ""
        return f"{row['error']:.2%}{top}"
    seconds = f"{row['wall']:.2f} s, CPU {row['cpu']:.2f} s"
    if "tokens" in row:
        per_token, rate = 1000 * row["wall"] / row["tokens"], row["tokens"] / row["wall"]
        return f"{per_token:.1f} ms, {rate:.1f} a second; {seconds}"
    return f"RTF {row['wall'] / row['audio']:.2f}; {seconds}" if "audio" in row else seconds


def ratios(ours: dict, other: dict) -> str:
    """Theirs over ours: above 1 ours is better."""
    return ", ".join(
        f"{unit} {other[unit] / ours[unit]:.2f}" for unit in ("wall", "cpu", "mib") if unit in ours
    )


def table(results: dict[str, dict[str, dict]]) -> str:
    """Markdown; of several, with columns of what `other`, or else the first, takes beside them."""
    beside = "other" if "other" in results else next(iter(results))
    compared = [label for label in results if label != beside]
    heads = ["", *results, *(f"{beside} / {label}" for label in compared)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for what in dict.fromkeys(what for rows in results.values() for what in rows):
        found = {label: rows.get(what) for label, rows in results.items()}
        cells = [figure(row) if row else "" for row in found.values()]
        for label in compared:
            row, other = found[label], found[beside]
            cells.append(ratios(row, other) if row and other else "")
        lines.append(" | ".join([f"| {what}", *cells]) + " |")
    return "\n".join(lines)


def errors(outputs: dict[str, dict]) -> dict[str, dict[str, dict]]:
    """{label: {what: how far it is from the first one's, as a share of its norm}}"""
    first, found = next(iter(outputs.values())), {}
    for label, values in outputs.items():
        rows = {
            f"error of {name}": {
                "error": float((values[name] - first[name]).norm() / first[name].norm())
            }
            for name in first
        }
        agree = values["scores"].argmax(1) == first["scores"].argmax(1)
        rows["error of scores"]["top1"] = float(agree.float().mean())
        found[label] = rows
    return found


def read_outputs(checkout: Checkout) -> dict:
    path = Path(checkout.measure("outputs")["path"])
    try:
        return torch.load(path)
    finally:
        path.unlink()


def machine(threads: int) -> str:
    """The processor, the instruction sets that matter here, and torch."""
    from cosyvoice.utils.precision import processor

    names = "avx2 avx512_f avx512_vnni avx512_bf16 avx512_fp16 amx_bf16 amx_int8 neon_dot bf16"
    sets = [name for name in names.split() if processor().get(name)]
    name = processor().get("cpu_name", platform.processor())
    return f"{name} ({', '.join(sets)}), {threads} threads, torch {torch.__version__}"


def run(options, folder: Path, yaml: str) -> dict:
    settings = {
        "yaml": yaml,
        "folder": str(folder.resolve()),
        "threads": options.threads,
        "seconds": options.seconds,
    }
    checkouts = {}
    try:
        for precision in options.precision:
            label = "this" if len(options.precision) == 1 else precision
            checkouts[label] = Checkout(ROOT, [], {**settings, "precision": precision})
        ours = dict(checkouts)
        if options.compare:
            checkouts["other"] = Checkout(options.compare, options.pythonpath, settings)
        results = measure(checkouts, ["load", *options.only * options.rounds, "memory"])
        if len(ours) > 1 and "TransformerLM" in yaml:  # the errors of other families: not yet
            outputs = {label: read_outputs(checkout) for label, checkout in ours.items()}
            for label, rows in errors(outputs).items():
                results[label] |= rows
        return results
    finally:
        for checkout in checkouts.values():
            checkout.stop()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("model_dir", nargs="?", type=Path)
    model.add_argument(
        "--random",
        choices=RANDOM,
        help="a published size with random weights, written to a temporary folder",
    )
    parser.add_argument(
        "--compare", type=Path, help="another checkout of this project, or upstream's"
    )
    parser.add_argument(
        "--pythonpath",
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder of modules for that checkout; may be repeated",
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=["auto"],
        help="measure this checkout in each of these; auto",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5, help="of speech; 5")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", choices=ROUND, default=list(ROUND), help="these measurements alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.model_dir or Path(made)
        if options.random:
            write_random(folder, yaml := random_yaml(options.random, folder))
        else:
            yaml = networks_of(folder)
        results = run(options, folder, yaml)
    report = f"{machine(options.threads)}\n\n{table(results)}"
    print(report)
    if options.markdown:
        options.markdown.write_text(report + "\n", encoding="utf-8")
    if options.json:
        found = {"machine": machine(options.threads), "results": results}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        logging.disable(logging.WARNING)  # that speech was cut at its token count is meant
        answers, sys.stdout = sys.stdout, sys.stderr  # a checkout may print
        serve(sys.stdin, answers)
    else:
        sys.path.insert(0, str(ROOT))
        main()
