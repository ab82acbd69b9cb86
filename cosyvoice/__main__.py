"""The command line: python -m cosyvoice say | voices | download | bench. Each has --help."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cosyvoice.utils.errors import InputError

MODELS = ("CosyVoice-300M-25Hz", "CosyVoice-300M", "CosyVoice-300M-SFT", "CosyVoice-300M-Instruct")
PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained_models"
FILES = (
    "cosyvoice.yaml",
    "llm.pt",
    "flow.pt",
    "hift.pt",
    "campplus.onnx",
    "speech_tokenizer_v1.onnx",
)
OPTIONAL_FILES = ("spk2info.pt", "configuration.json", "README.md", "LICENSE*")
BENCH_TEXT = "清晨的风从山谷里吹来，带着青草和泥土的气息。新的一天，就从这一句问候开始。"


def main(argv=None):
    """Run one command. Ends with one sentence on stderr and status 1 when it cannot be done."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (InputError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m cosyvoice", description="Text to speech and voice cloning on this computer."
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_say(commands)
    voices = add(commands, voices_of, "voices", "list the speakers of a model")
    download = add(
        commands,
        fetch,
        "download",
        "download an official model into pretrained_models/; run it again to go on where it stopped",
        model=False,
    )
    download.add_argument(
        "name",
        choices=MODELS,
        metavar="MODEL",
        help=f"one of {', '.join(MODELS)}; CosyVoice-300M-25Hz is the one to begin with",
    )
    bench = add(commands, measure, "bench", "measure how fast a model speaks on this computer")
    bench.add_argument(
        "--text", default=BENCH_TEXT, help="what to speak (default: two Chinese sentences)"
    )
    bench.add_argument(
        "--parts", action="store_true", help="measure each network by itself, with tools/bench.py"
    )
    for command in (voices, bench):
        command.epilog = "Without --model the best model in pretrained_models/ is used."
    return top


def add(commands, run, name: str, help: str, model=True) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    command.set_defaults(run=run)
    if model:
        command.add_argument(
            "--model",
            metavar="DIR",
            default=os.environ.get("COSYVOICE_MODEL", ""),
            help="model directory (default: COSYVOICE_MODEL, else the best one in pretrained_models/)",
        )
    return command


def add_say(commands):
    say = add(commands, speak, "say", "speak a text into a file, or aloud")
    say.epilog = 'examples: say "你好" -o hello.wav | say "Hello" --voice 英文女 --play | say "你好" --reference me.wav --transcript "what is said in me.wav" -o mine.wav'
    say.add_argument("text", help="what to speak; - reads it from standard input")
    say.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="file to write: .wav, .mp3, .flac or .ogg"
    )
    say.add_argument(
        "--play",
        action="store_true",
        help="play the sound while it is made (needs ffplay, aplay, afplay or PowerShell)",
    )
    say.add_argument(
        "--voice",
        help="a speaker of the model (see `voices`), or a saved voice, a .pt file (default: the first speaker)",
    )
    say.add_argument(
        "--reference", metavar="FILE", help="clone the voice of this recording, 0.5 to 30 s"
    )
    say.add_argument(
        "--transcript",
        help="what is said in the recording; leave it out when the text is in another language",
    )
    say.add_argument(
        "--instruct",
        metavar="WORDS",
        help="how to speak, in words; CosyVoice-Mini-25Hz and CosyVoice-300M-Instruct follow them",
    )
    say.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same sound (default 0)"
    )
    say.add_argument(
        "--speed", type=float, default=1.0, help="0.5 to 2, the pitch is kept (default 1)"
    )


# say


def speak(arguments):
    check(arguments)
    engine = load(arguments.model)
    chunks = sound(engine, arguments)
    if arguments.play:
        chunks = played(chunks, engine.sample_rate)
    pcm = collect(chunks, engine.sample_rate)
    if arguments.output:
        write(arguments.output, pcm, engine.sample_rate)
        print(f"{arguments.output}: {len(pcm) / engine.sample_rate:.1f} s")


def check(arguments):
    """Refuse what cannot be done before a model is loaded."""
    if arguments.text == "-":
        arguments.text = sys.stdin.read()
    if not (arguments.output or arguments.play):
        raise ValueError("nowhere to speak to: give -o FILE or --play")
    if arguments.transcript and not arguments.reference:
        raise ValueError("--transcript says what is said in --reference, which is missing")
    if arguments.reference and (arguments.voice or arguments.instruct):
        raise ValueError("--reference clones a voice of its own; leave out --voice and --instruct")
    if arguments.output and arguments.output.suffix.lower() not in (
        ".wav",
        ".mp3",
        ".flac",
        ".ogg",
    ):
        raise ValueError(f"{arguments.output}: use a name that ends in .wav, .mp3, .flac or .ogg")
    if arguments.output and not arguments.output.resolve().parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {arguments.output.resolve().parent}: make it first"
        )
    if not 0.5 <= arguments.speed <= 2 or not 0 <= arguments.seed < 2**32:
        raise ValueError("--speed is from 0.5 to 2, --seed from 0 to 4294967295")
    if arguments.play:
        find_player()


def load(model: str):
    """The engine; a ModelScope id is downloaded."""
    folder = choose(model)
    print(f"loading {Path(folder).name} ...", file=sys.stderr)
    from cosyvoice.cli.cosyvoice import CosyVoice

    return CosyVoice(folder)


def choose(model: str) -> str:
    from cosyvoice.serve.config import Config
    from cosyvoice.serve.speaking.engines import choose_model

    return choose_model(Config(model=model), may_download=True)


def sound(engine, arguments):
    """The engine's generator for what was asked."""
    options = {"stream": arguments.play, "speed": arguments.speed, "seed": arguments.seed}
    if arguments.reference:
        reference = read_reference(arguments.reference)
        if arguments.transcript:
            return engine.inference_zero_shot(
                arguments.text, arguments.transcript, reference, **options
            )
        return engine.inference_cross_lingual(arguments.text, reference, **options)
    speaker, voice = choose_voice(engine, arguments.voice)
    if arguments.instruct:
        return engine.inference_instruct(
            arguments.text, speaker, arguments.instruct, voice=voice, **options
        )
    return engine.inference_sft(arguments.text, speaker, voice=voice, **options)


def read_reference(path: str):
    from cosyvoice.utils.audio import load_wav, trim_and_level

    return trim_and_level(load_wav(path, 16000))


def choose_voice(engine, name: str | None) -> tuple:
    """(speaker, None) or ("", saved voice)."""
    speakers = engine.list_available_spks()
    if name and name.endswith(".pt"):
        from cosyvoice.cli.voice import load_voice

        return "", load_voice(name, engine.model_family)
    if not (name or speakers):
        raise ValueError(
            "this model has no speakers of its own: give --reference FILE, or --voice FILE.pt"
        )
    return name or speakers[0], None


def collect(chunks, sample_rate: int):
    """All the sound as (N,) int16, with a line that grows on stderr."""
    import numpy as np
    from tqdm import tqdm

    from cosyvoice.serve.speaking.speech import to_int16

    parts = []
    with tqdm(
        unit="s",
        desc="speaking",
        bar_format="{desc}: {n:.1f} s of sound in {elapsed}",
        file=sys.stderr,
    ) as bar:
        for chunk in chunks:
            parts.append(to_int16(chunk["tts_speech"]))
            bar.update(len(parts[-1]) / sample_rate)
    if not parts:
        raise ValueError("the text gave no sound: write words or digits")
    return np.concatenate(parts)


def write(path: Path, pcm, sample_rate: int):
    import soundfile

    try:
        soundfile.write(path, pcm, sample_rate)
    except soundfile.LibsndfileError as error:
        raise OSError(f"{path} cannot be written: {error}") from error


# playing

PIPED = {
    "ffplay": ["-nodisp", "-autoexit", "-loglevel", "error", "-i", "-"],
    "aplay": ["-q", "-"],
}  # read a WAV while it is made
WHOLE = {
    "afplay": ["{}"],
    "powershell": ["-c", "(New-Object Media.SoundPlayer '{}').PlaySync()"],
}  # need a file


def find_player() -> tuple[str, list[str]]:
    """(name, command) of the first player there is. Raises FileNotFoundError that names them all."""
    for name, options in {**PIPED, **WHOLE}.items():
        if path := shutil.which(name):
            return name, [path, *options]
    raise FileNotFoundError(
        f"no player found: install one of {', '.join([*PIPED, *WHOLE])}, or write a file with -o"
    )


def played(chunks, sample_rate: int):
    """The same chunks, heard."""
    name, command = find_player()
    return (piped if name in PIPED else played_afterwards)(chunks, sample_rate, command)


def piped(chunks, sample_rate: int, command: list[str]):
    from cosyvoice.encoders.wav import WavStream
    from cosyvoice.serve.speaking.speech import to_int16

    encoder, player = WavStream(sample_rate), subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        for chunk in chunks:
            player.stdin.write(encoder.feed(to_int16(chunk["tts_speech"])))
            player.stdin.flush()
            yield chunk
    except BrokenPipeError:
        raise RuntimeError("the player stopped; write a file with -o instead") from None
    finally:
        player.communicate()  # plays to the end


def played_afterwards(chunks, sample_rate: int, command: list[str]):
    import numpy as np

    from cosyvoice.serve.speaking.speech import to_int16

    kept = []
    for chunk in chunks:
        kept.append(to_int16(chunk["tts_speech"]))
        yield chunk
    with tempfile.TemporaryDirectory() as folder:
        write(path := Path(folder) / "sound.wav", np.concatenate(kept), sample_rate)
        subprocess.run([part.format(path) for part in command], check=True)


# the other commands


def voices_of(arguments):
    """Names, one a line, so that other programs can read them."""
    speakers = load(arguments.model).list_available_spks()
    print(
        "\n".join(speakers)
        or "this model has no speakers of its own; clone one with `say --reference`"
    )


def fetch(arguments):
    """ModelScope shows the progress of each file and goes on with one that was begun."""
    from modelscope import snapshot_download

    folder, name = PRETRAINED / arguments.name, f"iic/{arguments.name}"
    print(f"asking modelscope.cn for {name}", flush=True)
    try:
        snapshot_download(name, local_dir=str(folder), allow_patterns=[*FILES, *OPTIONAL_FILES])
    except Exception as error:  # of many libraries
        sys.exit(
            f"the download stopped ({type(error).__name__}: {error})\ncheck the network and the room on the disk, then run the same "
            f"command again to go on; or put the files of https://modelscope.cn/models/{name} into {folder}"
        )
    if missing := [
        name
        for name in FILES
        if not (folder / name).is_file() or not (folder / name).stat().st_size
    ]:
        sys.exit(f"{folder} lacks {', '.join(missing)}; run the same command again")
    print(f"{folder}: complete")


def measure(arguments):
    """Load time, then time to the first chunk and real-time factor of a stream, after one sentence to warm up."""
    if arguments.parts:
        return measure_parts(choose(arguments.model))
    begin = time.monotonic()
    engine = load(arguments.model)
    print(f"model loaded in      {time.monotonic() - begin:6.1f} s")
    speakers = engine.list_available_spks()
    if not speakers:
        raise ValueError(
            "this model has no speakers to measure with; use one that has (see `voices`)"
        )
    stream(engine, "你好。", speakers[0])
    first, total, seconds = stream(engine, arguments.text, speakers[0])
    print(
        f"first sound after    {first:6.2f} s\nspoken               {seconds:6.1f} s in {total:.1f} s\nreal-time factor     {total / seconds:6.2f}   (below 1: faster than it is heard)"
    )


def measure_parts(folder: str):
    tool = PRETRAINED.parent / "tools" / "bench.py"
    if not tool.is_file():
        raise FileNotFoundError(
            f"{tool} not found: --parts needs the whole project, not the package alone"
        )
    if status := subprocess.run([sys.executable, str(tool), folder]).returncode:
        sys.exit(status)


def stream(engine, text: str, speaker: str) -> tuple[float, float, float]:
    """Seconds to the first chunk, to the last, and of sound."""
    begin, first, samples = time.monotonic(), 0.0, 0
    for chunk in engine.inference_sft(text, speaker, stream=True, seed=0):
        first = first or time.monotonic() - begin
        samples += chunk["tts_speech"].shape[1]
    return first, time.monotonic() - begin, samples / engine.sample_rate


if __name__ == "__main__":
    main()
